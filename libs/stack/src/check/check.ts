/** One line of `murnau doctor`. */
export interface Check {
  /** What was looked at, such as `python` or `worker-0`. */
  part: string;
  ok: boolean;
  /** What was found, for a person. */
  detail: string;
  /** The command or the deed that mends it; only where something is wrong. */
  mend?: string;
  pid?: number;
}
