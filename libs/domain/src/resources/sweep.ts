import { z } from 'zod';
import { sweepPhases } from '../lifecycle.js';
import { sweepFileSchema } from '../sweep-file.js';
import type { Run } from './run.js';
import { failureSchema, timeSchema } from './shared.js';

/** Where a sweep waits, or waited, for a person to pick. */
export const gateSchema = z.object({
  rung: z.int(),
  opened_at: z.iso.datetime({ offset: true }),
  /** When the timer picks; null: never. */
  deadline: z.iso.datetime({ offset: true }).nullable(),
  is_passed: z.boolean(),
});
export type Gate = z.output<typeof gateSchema>;

export const sweepSchema = z.object({
  id: z.string(),
  name: z.string(),
  owner: z.string(),
  phase: z.enum(sweepPhases),
  spec: sweepFileSchema,
  workflow_id: z.string(),
  /** Number of trials planned. */
  trials: z.int(),
  /** Number of trials by phase. */
  counts: z.record(z.string(), z.int()),
  best_run_id: z.string().nullable(),
  /** Trials that may be open at once, as it is now. */
  max_concurrent_trials: z.int(),
  /** 1 is served first, 5 last. */
  priority: z.int(),
  /** Why no further trial is started; null: trials are started. */
  stop_reason: z.string().nullable(),
  /** Where it waits, or waited, for a person to pick; null: no gate has opened. */
  gate: gateSchema.nullable(),
  /** What its creator was told of its space, such as what share of it a rule forbids. */
  notices: z.array(z.string()),
  /** Device time of all trials, in seconds. */
  device_s: z.number(),
  failure: failureSchema.nullable(),
  created_at: timeSchema,
  finished_at: timeSchema.nullable(),
});

/** What a sweep or a person decided, and why. */
export const sweepDecisionSchema = z.object({
  /** Grows with each decision. */
  seq: z.int(),
  at: timeSchema,
  /** `start`, `promote`, `pause`, … */
  kind: z.string(),
  /** The trial it is about; null: the sweep. */
  trial: z.int().nullable(),
  /** Who decided: `sweep`, or a person. */
  by: z.string(),
  why: z.string(),
  data: z.record(z.string(), z.unknown()),
});

/** A trial that was trained again on several seeds. */
export const finalistSchema = z.object({
  /** The trial that was found. */
  trial: z.int(),
  /** Of the sweep's metric over its repetitions; null until all have finished. */
  mean: z.number().nullable(),
  repetitions: z.array(z.object({ trial: z.int(), seed: z.int(), value: z.number().nullable() })),
});

export type Sweep = z.output<typeof sweepSchema>;
export type SweepDecision = z.output<typeof sweepDecisionSchema>;
export type Finalist = z.output<typeof finalistSchema>;
/** A sweep's runs, best first by its metric: all of them, or the first. */
export interface Leaderboard {
  metric: string;
  goal: string;
  runs: Run[];
}
