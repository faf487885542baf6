/** Update of every workflow that lives longer than a question. */
export interface CancelRequest {
  /** Who asked. */
  readonly by: string;
  /** Absent: nobody says, as a caller of an older version. */
  readonly why?: string;
}
