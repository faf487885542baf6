import type { Failure, Gate, RunPhase, SweepFile, SweepPhase } from '@murnau/domain';
import type { Generated } from 'kysely';
import type { CreatedAt, Json, JsonWithDefault, Sequence } from './columns.js';

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
  phase: RunPhase;
  trials: number;
  /** Of trials outside the window. */
  device_s: number;
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
