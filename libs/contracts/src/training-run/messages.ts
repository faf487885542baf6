/** Update of a run. */
export interface RunEditRequest {
  readonly by: string;
  readonly why: string;
}
