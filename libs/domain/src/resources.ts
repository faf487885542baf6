import { z } from 'zod';
import { trainingSpecSchema } from './training-spec.js';
import { sweepFileSchema } from './sweep-file.js';
import { generationRequestSchema } from './generation-request.js';
import { producerSchema } from './recipe.js';

/** What the HTTP API gives; times are ISO 8601 in UTC. */
const time = z.iso.datetime({ offset: true });

/** `waiting`: at a rung of successive halving, with no open workflow; it holds nothing. */
export const runPhases = [
  'queued',
  'running',
  'waiting',
  'paused',
  'finished',
  'failed',
  'cancelled',
] as const;
export const sweepPhases = ['running', 'paused', 'finished', 'failed', 'cancelled'] as const;
export const generationPhases = ['queued', 'running', 'finished', 'failed', 'cancelled'] as const;
export type RunPhase = (typeof runPhases)[number];
export type SweepPhase = (typeof sweepPhases)[number];
export type GenerationPhase = (typeof generationPhases)[number];

/** What a person asked of a run and it has not done yet. `drop`: end without a result. */
export const runWishes = ['pause', 'stop', 'drop'] as const;
export type RunWish = (typeof runWishes)[number];

/** Why a run finished before its last step; its embedding is that of the step it came to. */
export const earlyStops = ['rung', 'plateau', 'stopped'] as const;
export type EarlyStop = (typeof earlyStops)[number];

export const sampleKinds = ['progress', 'final', 'baseline', 'fuse_baseline'] as const;
export type SampleKind = (typeof sampleKinds)[number];

export const publications = ['averaged', 'last', 'best'] as const;
export type Publication = (typeof publications)[number];

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

export const failureSchema = z.object({ code: z.string(), message: z.string(), next_step: z.string() });
export type Failure = z.output<typeof failureSchema>;

export const blobSchema = z.object({
  /** SHA-256, lower-case hex. */
  hash: z.string(),
  size_bytes: z.int(),
  media_type: z.string(),
});

export const imageBlobSchema = blobSchema.extend({ width: z.int(), height: z.int() });

export const datasetImageSchema = z.object({
  hash: z.string(),
  name: z.string(),
  width: z.int(),
  height: z.int(),
  /** Its mask, a picture of the same proportions whose white part counts. */
  mask_hash: z.string().nullable(),
  /** With `{placeholder}` in it. */
  caption: z.string().nullable(),
});
export const datasetSchema = z.object({
  id: z.string(),
  name: z.string(),
  owner: z.string(),
  images: z.array(datasetImageSchema),
  created_at: time,
});

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
  embedding_id: z.string().nullable(),
  failure: failureSchema.nullable(),
  created_at: time,
  started_at: time.nullable(),
  finished_at: time.nullable(),
});

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
  gate: z
    .object({
      rung: z.int(),
      opened_at: time,
      /** When the timer picks; null: never. */
      deadline: time.nullable(),
      is_passed: z.boolean(),
    })
    .nullable(),
  /** Device time of all trials, in seconds. */
  device_s: z.number(),
  failure: failureSchema.nullable(),
  created_at: time,
  finished_at: time.nullable(),
});

/** What a sweep or a person decided, and why. */
export const sweepDecisionSchema = z.object({
  /** Grows with each decision. */
  seq: z.int(),
  at: time,
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

/** Leaderboard: a sweep's runs, best first by its metric. */
export const leaderboardSchema = z.object({ metric: z.string(), goal: z.string(), runs: z.array(runSchema) });

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

export const embeddingSchema = z.object({
  id: z.string(),
  placeholder_token: z.string(),
  initializer_token: z.string().nullable(),
  model: z.string(),
  num_vectors: z.int(),
  pooling: z.enum(['eot', 'argmax']),
  /** Of whose rows it is: for the best, the step that was evaluated best. */
  step: z.int(),
  /** Which of its run's rows these are; null: it was imported, or is older than the difference. */
  published: z.enum(publications).nullable(),
  run_id: z.string().nullable(),
  source: z.enum(['run', 'import']),
  owner: z.string(),
  /** The canonical safetensors file. */
  hash: z.string(),
  scores: z.record(z.string(), z.number()),
  created_at: time,
});

export const generationSchema = z.object({
  id: z.string(),
  owner: z.string(),
  phase: z.enum(generationPhases),
  request: generationRequestSchema,
  /** 0..1. */
  progress: z.number(),
  images: z.array(z.object({ position: z.int(), seed: z.int(), hash: z.string() })),
  /** What the worker wants the person to know, such as how much of a long prompt it read. */
  notices: z.array(z.string()),
  /** Newest preview, a small PNG. Null: none, or all pictures are done. */
  preview_hash: z.string().nullable(),
  /** Null: drawing has not begun. */
  produced_by: producerSchema.nullable(),
  failure: failureSchema.nullable(),
  created_at: time,
  finished_at: time.nullable(),
});

/** What sampling does where a request does not say. */
export const samplingDefaultsSchema = z.object({
  num_steps: z.int(),
  guidance_scale: z.number(),
  prior_steps: z.string(),
  prior_guidance_scale: z.number(),
});

export const modelPartSchema = z.object({
  /** Such as `prior` or `inpaint_unet`. */
  name: z.string(),
  loaded: z.boolean(),
  /** In memory. 0: not known before the first load. */
  size_bytes: z.number(),
});

export const workerModelSchema = z.object({
  name: z.string(),
  family: z.string(),
  fingerprint: z.string(),
  image_size: z.int(),
  width_t1: z.int(),
  width_t2: z.int(),
  loaded: z.boolean(),
  judge: z.string(),
  /** What its frozen weights are held in. */
  dtype: z.string(),
  /** What its files allow: `train` and drawing tasks. */
  tasks: z.array(z.string()),
  parts: z.array(modelPartSchema),
  sampling: samplingDefaultsSchema.nullable(),
});
export const workerSchema = z.object({
  name: z.string(),
  address: z.string(),
  state: z.enum(['online', 'offline', 'quarantined']),
  reason: z.string().nullable(),
  device: z.object({
    kind: z.string(),
    name: z.string(),
    memory_bytes: z.number(),
    memory_used_bytes: z.number(),
    threads: z.int(),
  }),
  models: z.array(workerModelSchema),
  slots: z.int(),
  running: z.int(),
  generating: z.int(),
  steps_per_second: z.number(),
  last_seen_at: time,
});

/** A model as the workers that serve it describe it. */
export const modelSchema = z.object({
  name: z.string(),
  family: z.string(),
  fingerprint: z.string(),
  dtype: z.string(),
  /** Side of the pictures it was trained for, in pixels. */
  image_size: z.int(),
  tasks: z.array(z.string()),
  sampling: samplingDefaultsSchema.nullable(),
  workers: z.array(
    z.object({ name: z.string(), state: workerSchema.shape.state, parts: z.array(modelPartSchema) }),
  ),
});

/** One line of a live event stream. */
export const eventSchema = z.object({
  /** Grows; goes into Last-Event-ID. */
  id: z.string(),
  kind: z.string(),
  run_id: z.string().nullable(),
  sweep_id: z.string().nullable(),
  data: z.record(z.string(), z.unknown()),
  created_at: time,
});

export type Blob = z.output<typeof blobSchema>;
export type ImageBlob = z.output<typeof imageBlobSchema>;
export type Dataset = z.output<typeof datasetSchema>;
export type DatasetImage = z.output<typeof datasetImageSchema>;
export type Run = z.output<typeof runSchema>;
export type Sweep = z.output<typeof sweepSchema>;
export type SweepDecision = z.output<typeof sweepDecisionSchema>;
export type Finalist = z.output<typeof finalistSchema>;
export type Leaderboard = z.output<typeof leaderboardSchema>;
export type MetricPoint = z.output<typeof metricPointSchema>;
export type Sample = z.output<typeof sampleSchema>;
export type Embedding = z.output<typeof embeddingSchema>;
export type Generation = z.output<typeof generationSchema>;
export type WorkerModel = z.output<typeof workerModelSchema>;
export type ModelPart = z.output<typeof modelPartSchema>;
export type Model = z.output<typeof modelSchema>;
export type Worker = z.output<typeof workerSchema>;
export type StoredEvent = z.output<typeof eventSchema>;
