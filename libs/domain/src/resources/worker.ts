import { z } from 'zod';
import { answeredFields } from '../families/fields.js';
import { families } from '../families/generated.js';
import { timeSchema } from './shared.js';

/** What drawing does where a request does not say. */
export const samplingDefaultsSchema = z.object({
  num_steps: z.int(),
  guidance_scale: z.number(),
  ...answeredFields(families),
});

export const modelPartSchema = z.object({
  /** Its name in the family. */
  name: z.string(),
  loaded: z.boolean(),
  /** In memory. 0: not known before the first load. */
  size_bytes: z.number(),
});

export const textTowerSchema = z.object({
  name: z.string(),
  /** Of a row. */
  width: z.int(),
  /** Root mean square of its vocabulary rows. Absent: it is not loaded yet. */
  vocabulary_rms: z.number().optional(),
});

export const workerModelSchema = z.object({
  name: z.string(),
  family: z.string(),
  fingerprint: z.string(),
  image_size: z.int(),
  /** Its text towers, in the family's order. */
  towers: z.array(textTowerSchema),
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
