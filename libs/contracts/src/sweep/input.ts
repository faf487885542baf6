/** What the workflow is started with: ids, cursors and hashes, never data. */
export interface SweepInput {
  readonly sweep_id: string;
  /** Place in the order of the sweep's workflows, each start and continuation above the one before. Absent: 0. */
  readonly chain?: number;
  /** Decisions after which it continues as new, however short its history is. Absent: 500. */
  readonly decisions_per_chain?: number;
}
