/** Update of a run, under the name of the edit's kind. */
export interface RunEditRequest {
  readonly by: string;
  readonly why: string;
}
