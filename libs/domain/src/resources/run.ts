import { z } from 'zod';
import { runPhases } from '../lifecycle.js';
import { trainingSpecSchema } from '../training-spec.js';
import { failureSchema, timeSchema } from './shared.js';

/** What a person asked of a run and it has not done yet. `drop`: end without a result. */
export const runWishes = ['pause', 'stop', 'drop'] as const;
export type RunWish = (typeof runWishes)[number];

/** Why a run finished before its last step; its embedding is that of the step it came to. */
export const earlyStops = ['rung', 'plateau', 'stopped'] as const;
export type EarlyStop = (typeof earlyStops)[number];

export const sampleKinds = ['progress', 'final', 'baseline', 'fuse_baseline'] as const;
export type SampleKind = (typeof sampleKinds)[number];

/** By whom and against what a run's final pictures were judged. */
export const judgementSchema = z.object({
  /** Empty: the model has no judge. */
  judge: z.string(),
  /** What the judge takes the training pictures for; empty: no judge. */
  concept: z.string(),
  /** The known word with the lowest eval loss on the dataset: the baseline is drawn by it. */
  baseline_word: z.string(),
});
export type Judgement = z.output<typeof judgementSchema>;

export const runSchema = z.object({
  id: z.string(),
  name: z.string(),
  owner: z.string(),
  phase: z.enum(runPhases),
  spec: trainingSpecSchema,
  dataset_id: z.string(),
  sweep_id: z.string().nullable(),
  /** Number within the sweep, from 0. */
  trial: z.int().nullable(),
  /** What distinguishes the trial from its siblings. */
  parameters: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  workflow_id: z.string(),
  /** Newest stored step. */
  step: z.int(),
  /** Newest step certified by a stored checkpoint. */
  certified_step: z.int(),
  /** Newest certified value of each metric. */
  metrics: z.record(z.string(), z.number()),
  best: z.object({ step: z.int(), name: z.string(), value: z.number() }).nullable(),
  /** Null: no final picture is drawn yet. */
  judgement: judgementSchema.nullable(),
  /** Rungs of successive halving that it has reached. */
  rung: z.int(),
  /** Step up to which it may train now. */
  target_step: z.int(),
  /** Why it finished before its last step; null: it did not. */
  early_stop: z.enum(earlyStops).nullable(),
  /** What was asked of it and is not done yet. */
  wish: z.enum(runWishes).nullable(),
  /** 1 is served first, 5 last. */
  priority: z.int(),
  /** Its share of device time so far, in seconds. */
  device_s: z.number(),
  /** The run and the step whose state it began from. */
  forked_from: z.object({ run_id: z.string(), step: z.int() }).nullable(),
  /** Times the run was taken up again, by cause. */
  restarts: z.record(z.string(), z.int()),
  /** Times in a row that its worker's process ended under it, without a certified step in between. */
  worker_deaths: z.int(),
  embedding_id: z.string().nullable(),
  failure: failureSchema.nullable(),
  created_at: timeSchema,
  started_at: timeSchema.nullable(),
  finished_at: timeSchema.nullable(),
});

export const metricPointSchema = z.object({ step: z.int(), name: z.string(), value: z.number() });
export const sampleSchema = z.object({
  step: z.int(),
  kind: z.enum(sampleKinds),
  position: z.int(),
  prompt: z.string(),
  seed: z.int(),
  hash: z.string(),
  image_alignment: z.number().nullable(),
});

export type Run = z.output<typeof runSchema>;
export type MetricPoint = z.output<typeof metricPointSchema>;
export type Sample = z.output<typeof sampleSchema>;
