import type {
  EarlyStop,
  Failure,
  Judgement,
  RunPhase,
  RunWish,
  SampleKind,
  TrainingSpec,
} from '@murnau/domain';
import type { Generated } from 'kysely';
import type { CreatedAt, Json, JsonWithDefault, Sequence } from './columns.js';

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
  /** Times in a row that its worker's process ended under it; a certified step ends the row. */
  worker_deaths: Generated<number>;
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
