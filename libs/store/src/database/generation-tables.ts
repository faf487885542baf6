import type { Failure, GenerationPhase, GenerationRequest } from '@murnau/domain';
import type { Generated } from 'kysely';
import type { CreatedAt, Json, JsonWithDefault, Sequence } from './columns.js';

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
  /** Times in a row that a worker's process ended under it; a new picture ends the row. */
  worker_deaths: Generated<number>;
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
