import type { Failure, GenerationRequest, SampleKind, SweepFile, TrainingSpec } from '@murnau/domain';
import type { GenerationPhase, RunPhase, SweepPhase } from '@murnau/domain';
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
  created_at: CreatedAt;
  finished_at: Date | null;
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
  last_seen_at: Date;
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
  runs: RunsTable;
  metrics: MetricsTable;
  checkpoints: CheckpointsTable;
  samples: SamplesTable;
  embeddings: EmbeddingsTable;
  generations: GenerationsTable;
  generation_inputs: GenerationInputsTable;
  generation_images: GenerationImagesTable;
  workers: WorkersTable;
  events: EventsTable;
  blobs: BlobsTable;
  idempotency_keys: IdempotencyKeysTable;
}
