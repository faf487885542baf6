import type { Pooling, Publication } from '@murnau/domain';
import type { ColumnType, Generated } from 'kysely';
import type { CreatedAt, Json, JsonWithDefault, Sequence } from './columns.js';
import type { GenerationsTable, GenerationInputsTable, GenerationImagesTable } from './generation-tables.js';
import type { RunsTable, MetricsTable, CheckpointsTable, SamplesTable } from './run-tables.js';
import type { SessionsTable } from './session-table.js';
import type {
  SweepsTable,
  SweepTalliesTable,
  RungResultsTable,
  SweepDecisionsTable,
} from './sweep-tables.js';

interface DatasetsTable {
  id: string;
  seq: Sequence;
  name: string;
  owner: string;
  created_at: CreatedAt;
}

interface DatasetImagesTable {
  dataset_id: string;
  position: number;
  hash: string;
  name: string;
  width: number;
  height: number;
  mask_hash: string | null;
  caption: string | null;
}

export interface EmbeddingsTable {
  id: string;
  seq: Sequence;
  placeholder_token: string;
  initializer_token: string | null;
  model: string;
  num_vectors: number;
  pooling: Pooling | null;
  step: number;
  run_id: string | null;
  published: Publication | null;
  source: 'run' | 'import';
  owner: string;
  hash: string;
  scores: JsonWithDefault<Record<string, number>>;
  created_at: CreatedAt;
}

interface WorkersTable {
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

interface EventsTable {
  id: ColumnType<number, never, never>;
  /** Its place in the order in which events became visible; null until it is first read. */
  place: ColumnType<number | null, never, never>;
  run_id: string | null;
  sweep_id: string | null;
  generation_id: string | null;
  /** Null: the event is true whatever happens to the steps. */
  step: number | null;
  kind: string;
  data: Json<Record<string, unknown>>;
  created_at: CreatedAt;
}

interface BlobsTable {
  hash: string;
  size_bytes: number;
  media_type: string;
  /** Newest upload, repeated ones included. */
  stored_at: Generated<Date>;
}

interface IdempotencyKeysTable {
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
  sessions: SessionsTable;
}
