/** What the workflow is started with: ids, cursors and hashes, never data. */
export interface TrainingRunInput {
  readonly run_id: string;
  /** Place in the order of the run's workflows, each start and continuation above the one before. Absent: 0. */
  readonly chain?: number;
  /** Segments after which it continues as new, however short its history is. Absent: 200. */
  readonly segments_per_chain?: number;
}
