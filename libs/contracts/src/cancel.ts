/** Update of every workflow that lives longer than a question. */
export interface CancelRequest {
  readonly by: string;
  readonly why: string;
}
