/** What the workflow is started with: ids, cursors and hashes, never data. */
export interface GenerationInput {
  readonly generation_id: string;
  readonly model: string;
}
