import type {
  Failure,
  Gate,
  GenerationRequest,
  Judgement,
  Publication,
  SampleKind,
  SweepFile,
  TrainingSpec,
} from '@murnau/domain';
import type { EarlyStop, GenerationPhase, RunPhase, RunWish, SweepPhase } from '@murnau/domain';
import type { ColumnType, Generated } from 'kysely';

/** Written as JSON text (pg would turn a list into a PostgreSQL array), read as the value. */
type Json<Value> = ColumnType<Value, string, string>;
type JsonWithDefault<Value> = ColumnType<Value, string | undefined, string>;
type CreatedAt = ColumnType<Date, never, never>;
/** Assigned by the database in the order of creation: what pages are cut by. */
type Sequence = ColumnType<number, never, never>;

export interface DatasetsTable {
  id: string;
  seq: Sequence;
  name: string;
  owner: string;
  created_at: CreatedAt;
}

export interface DatasetImagesTable {
  dataset_id: string;
  position: number;
  hash: string;
  name: string;
  width: number;
  height: number;
  mask_hash: string | null;
  caption: string | null;
}

export interface SweepsTable {
  id: string;
  seq: Sequence;
  name: string;
  owner: string;
  phase: SweepPhase;
  spec: Json<SweepFile>;
  workflow_id: string;
  workflow_started: Generated<boolean>;
  failure: Json<Failure | null> | null;
  /** Chain with which its workflow was, or is to be, started last; each start takes a higher one. */
  workflow_chain: Generated<number>;
  /** As it is now: the file's, or what somebody set since. */
  max_concurrent_trials: number;
  priority: Generated<number>;
  /** Why nothing more is started; null: trials are started. */
  stop_reason: string | null;
  /** `finalists`: the search is over and its best are trained again. */
  stage: Generated<'search' | 'finalists'>;
  /** Null: no gate has opened. */
  gate: Json<Gate | null> | null;
  /** What its creator was told of its space. */
  notices: JsonWithDefault<string[]>;
  /** The run of its workflow that decides; null: none has yet. */
  workflow_run_id: string | null;
  created_at: CreatedAt;
  finished_at: Date | null;
}

/** Trials by what may be done with them; `resumed` are to start too, from a stored step. */
export type TrialState =
  'to_start' | 'resumed' | 'open' | 'held' | 'waiting' | 'finished' | 'failed' | 'cancelled';

/** A change of a sweep's numbers of trials, written by triggers; they are added up. */
export interface SweepTalliesTable {
  sweep_id: string;
  state: TrialState;
  trials: number;
  /** Of trials outside the window. */
  device_s: number;
}

export interface RunsTable {
  id: string;
  seq: Sequence;
  name: string;
  owner: string;
  phase: Generated<RunPhase>;
  spec: Json<TrainingSpec>;
  model: string;
  placeholder_token: string;
  dataset_id: string;
  sweep_id: string | null;
  trial: number | null;
  parameters: Json<Record<string, string | number | boolean>>;
  workflow_id: string;
  workflow_started: Generated<boolean>;
  /** Fencing number: each claim and each ending takes the next one; a writer must hold the newest. */
  epoch: Generated<number>;
  claim_chain: Generated<number>;
  claim_segment: Generated<number>;
  claim_attempt: Generated<number>;
  /** Random per call of `claim`: tells its own repetition from a rival's equal claim. */
  claim_token: string | null;
  claimed_by: string | null;
  /** Random per call of `recordProgress`, likewise. */
  batch_token: string | null;
  step: Generated<number>;
  /** -1: no checkpoint is stored yet. */
  certified_step: Generated<number>;
  /** Newest certified value of each metric. */
  metrics: JsonWithDefault<Record<string, number>>;
  /** What `best` follows. */
  metric_name: string;
  metric_goal: 'maximize' | 'minimize';
  best_step: number | null;
  best_value: number | null;
  restarts: JsonWithDefault<Record<string, number>>;
  counted_restarts: Generated<number>;
  /** Epoch whose end was last put down as a restart: each epoch ends at most once. */
  restart_epoch: Generated<number>;
  fingerprint: string | null;
  /** Steps at which the run went on with another numeric fingerprint. */
  numerics_changed_at: JsonWithDefault<number[]>;
  scores: JsonWithDefault<Record<string, number>>;
  embedding_id: string | null;
  failure: Json<Failure | null> | null;
  /** Chain with which its workflow was, or is to be, started last: above every chain that has claimed it. */
  workflow_chain: Generated<number>;
  /** Rungs reached. */
  rung: Generated<number>;
  /** Up to where it may train now; null: its last step. */
  target_step: number | null;
  wish: RunWish | null;
  wish_by: string | null;
  early_stop: EarlyStop | null;
  priority: Generated<number>;
  /** Share of device time up to `device_mark`. */
  device_s: Generated<number>;
  /** When its device time was counted last; null: it holds no device. */
  device_mark: Date | null;
  judgement: Json<Judgement | null> | null;
  forked_from: Json<{ run_id: string; step: number } | null> | null;
  created_at: CreatedAt;
  started_at: Date | null;
  finished_at: Date | null;
}

export interface MetricsTable {
  run_id: string;
  step: number;
  name: string;
  value: number;
}

export interface CheckpointsTable {
  run_id: string;
  step: number;
  epoch: number;
  state_hash: string;
  embedding_hash: string;
  created_at: CreatedAt;
}

export interface SamplesTable {
  run_id: string;
  step: number;
  kind: SampleKind;
  position: number;
  prompt: string;
  seed: number;
  hash: string;
  image_alignment: number | null;
}

export interface EmbeddingsTable {
  id: string;
  seq: Sequence;
  placeholder_token: string;
  initializer_token: string | null;
  model: string;
  num_vectors: number;
  pooling: 'eot' | 'argmax';
  step: number;
  run_id: string | null;
  published: Publication | null;
  source: 'run' | 'import';
  owner: string;
  hash: string;
  scores: JsonWithDefault<Record<string, number>>;
  created_at: CreatedAt;
}

export interface GenerationsTable {
  id: string;
  seq: Sequence;
  owner: string;
  phase: Generated<GenerationPhase>;
  request: Json<GenerationRequest>;
  model: string;
  progress: Generated<number>;
  workflow_id: string;
  workflow_started: Generated<boolean>;
  /** Chain with which its workflow was, or is to be, started last; each start takes a higher one. */
  workflow_chain: Generated<number>;
  failure: Json<Failure | null> | null;
  notices: JsonWithDefault<string[]>;
  /** Newest preview; null when all pictures are done. */
  preview_hash: string | null;
  /** Of the worker that drew last; null before the first. */
  model_fingerprint: string | null;
  numeric_fingerprint: string | null;
  worker_version: string | null;
  created_at: CreatedAt;
  finished_at: Date | null;
}

/** Pictures and masks that requests name: what keeps their blobs. */
export interface GenerationInputsTable {
  generation_id: string;
  /** Path within the request, such as `items[1].image`. */
  field: string;
  hash: string;
}

export interface GenerationImagesTable {
  generation_id: string;
  position: number;
  seed: number;
  hash: string;
}

export interface WorkersTable {
  name: string;
  address: string;
  device: Json<unknown>;
  models: Json<unknown>;
  slots: number;
  running: number;
  generating: number;
  steps_per_second: number;
  quarantine_reason: string | null;
  /** When somebody asked to let it work again; its dispatcher takes it away. */
  lift_requested_at: Date | null;
  last_seen_at: Date;
}

/** A trial's arrival at a rung: what promotions are decided by. */
export interface RungResultsTable {
  sweep_id: string;
  /** From 1. */
  rung: number;
  run_id: string;
  trial: number;
  step: number;
  /** The sweep's metric then; null: it was not measured. */
  value: number | null;
  /** Greater is better; -Infinity without a value. */
  merit: number;
  is_promoted: Generated<boolean>;
  reached_at: CreatedAt;
}

export interface SweepDecisionsTable {
  seq: Sequence;
  sweep_id: string;
  at: CreatedAt;
  kind: string;
  trial: number | null;
  by: string;
  why: string;
  data: JsonWithDefault<Record<string, unknown>>;
  /** Of the edit that made it: applied once. */
  update_id: string | null;
}

export interface EventsTable {
  id: ColumnType<number, never, never>;
  /** Transaction that wrote it: readers wait until every older transaction has ended, so nothing appears behind their cursor. */
  tx: ColumnType<string, never, never>;
  run_id: string | null;
  sweep_id: string | null;
  generation_id: string | null;
  /** Null: the event is true whatever happens to the steps. */
  step: number | null;
  kind: string;
  data: Json<Record<string, unknown>>;
  created_at: CreatedAt;
}

export interface BlobsTable {
  hash: string;
  size_bytes: number;
  media_type: string;
  /** Newest upload, repeated ones included. */
  stored_at: Generated<Date>;
}

export interface IdempotencyKeysTable {
  owner: string;
  scope: string;
  key: string;
  request_hash: string;
  resource_id: string;
  created_at: CreatedAt;
}

export interface Database {
  datasets: DatasetsTable;
  dataset_images: DatasetImagesTable;
  sweeps: SweepsTable;
  sweep_tallies: SweepTalliesTable;
  runs: RunsTable;
  metrics: MetricsTable;
  checkpoints: CheckpointsTable;
  samples: SamplesTable;
  rung_results: RungResultsTable;
  sweep_decisions: SweepDecisionsTable;
  embeddings: EmbeddingsTable;
  generations: GenerationsTable;
  generation_inputs: GenerationInputsTable;
  generation_images: GenerationImagesTable;
  workers: WorkersTable;
  events: EventsTable;
  blobs: BlobsTable;
  idempotency_keys: IdempotencyKeysTable;
}
