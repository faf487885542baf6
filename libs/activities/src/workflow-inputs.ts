import type { EmbeddingFormat, SweepEdit } from '@murnau/domain';

/** What workflows are started with: ids, cursors and hashes, never data. */

export interface TrainingRunInput {
  readonly run_id: string;
  /** Place in the order of the run's workflows, each start and continuation above the one before. Absent: 0. */
  readonly chain?: number;
  /** Segments after which it continues as new, however short its history is. Absent: 200. */
  readonly segments_per_chain?: number;
}

export interface SweepInput {
  readonly sweep_id: string;
  /** Place in the order of the sweep's workflows, each start and continuation above the one before. Absent: 0. */
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
  readonly to_format: EmbeddingFormat;
}

export interface TokenCheckInput {
  readonly model: string;
  readonly words: readonly {
    readonly placeholder_token: string;
    /** Empty: the rows begin as another embedding. */
    readonly initializer_token: string;
    readonly initializer_t1?: string | undefined;
    readonly initializer_t2?: string | undefined;
    /** The fewest that rows may begin as. Default 1. */
    readonly num_vectors?: number | undefined;
  }[];
}

export interface CancelRequest {
  /** Who asked. */
  readonly by: string;
  /** Absent: nobody says, as a caller of an older version. */
  readonly why?: string;
}

/** Update of a run. */
export interface RunEditRequest {
  readonly by: string;
  readonly why: string;
}

/** Update of a sweep; what it asks for is its own name's. */
export interface SweepEditMessage {
  readonly edit: SweepEdit;
  readonly by: string;
  readonly why: string;
  readonly update_id: string;
}

/** A trial's word to its sweep; the store already says the same. */
export interface TrialEnded {
  readonly run_id: string;
  readonly phase: string;
}
