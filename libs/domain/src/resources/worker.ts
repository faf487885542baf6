import { z } from 'zod';
import { timeSchema } from './shared.js';

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
  last_seen_at: timeSchema,
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

export type WorkerModel = z.output<typeof workerModelSchema>;
export type ModelPart = z.output<typeof modelPartSchema>;
export type Model = z.output<typeof modelSchema>;
export type Worker = z.output<typeof workerSchema>;
