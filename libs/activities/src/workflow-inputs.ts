/** What workflows are started with: ids, cursors and hashes, never data. */

export interface TrainingRunInput {
  readonly run_id: string;
  /** Times the workflow has continued as new. Absent: 0. */
  readonly chain?: number;
  /** Segments after which it continues as new, however short its history is. Absent: 200. */
  readonly segments_per_chain?: number;
}

export interface SweepInput {
  readonly sweep_id: string;
  /** Times the workflow has continued as new. Absent: 0. */
  readonly chain?: number;
  /** Time between reconciliations with what Temporal knows of the trials, in milliseconds. Absent: 20 s. */
  readonly reconcile_interval_ms?: number;
  /** Decisions after which it continues as new, however short its history is. Absent: 500. */
  readonly decisions_per_chain?: number;
}

export interface GenerationInput {
  readonly generation_id: string;
  readonly model: string;
}

export interface EmbeddingConversionInput {
  readonly file_hash: string;
  readonly model: string;
  readonly placeholder_token?: string | undefined;
  readonly to_format: 'safetensors' | 'bin';
}

export interface TokenCheckInput {
  readonly model: string;
  readonly words: readonly { readonly placeholder_token: string; readonly initializer_token: string }[];
}

export interface CancelRequest {
  /** Who asked. */
  readonly by: string;
}

/** A trial's word to its sweep; the store already says the same. */
export interface TrialEnded {
  readonly run_id: string;
  readonly phase: string;
}
