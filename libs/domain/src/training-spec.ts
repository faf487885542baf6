import { z } from 'zod';

/** Largest integer that survives JSON, SQL bigint and a double. */
const maxSeed = Number.MAX_SAFE_INTEGER;
export const seedSchema = z.int().min(0).max(maxSeed);

export const placeholderSchema = z
  .string()
  .regex(
    /^[a-z]{2,32}$/,
    'must be 2 to 32 lower-case letters a to z: the tokenizers lower-case words and split them at digits and punctuation',
  );
export const initializerSchema = z.string().min(1).max(64);
export const modelNameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9.-]{0,62}$/, 'must be a model name such as kandinsky-2.1');
export const defaultModel = 'kandinsky-2.1-small';

const learningRateSchema = z.number().positive().max(100);

export const samplesSchema = z.strictObject({
  /** Steps between samples; 0: none on the way. */
  every_steps: z.int().min(0).max(1_000_000).default(50),
  prompts: z
    .array(z.string().min(1).max(500).includes('{placeholder}', 'must contain {placeholder}'))
    .min(1)
    .max(16)
    .default(['a photo of a {placeholder}']),
  per_prompt: z.int().min(1).max(16).default(4),
  /** Seed of the pictures on the way. */
  seed: seedSchema.default(7),
  /** Pictures at the end, for the learnt word and for the initializer; 0: none. */
  final_count: z.int().min(0).max(64).default(16),
  /** Seed of the final pictures: another than `seed`, so that choosing and reporting differ. */
  final_seed: seedSchema.default(1007),
  /** Decoder steps; 0: the model's default. */
  num_steps: z.int().min(0).max(1000).default(0),
  /** Decoder guidance; 0: the model's default. */
  guidance_scale: z.number().min(0).max(100).default(0),
});

/** What may be searched and set: everything of a run but what it is about. */
export const hyperparametersSchema = z.strictObject({
  num_vectors: z.literal(1, { error: 'must be 1' }).default(1),
  objective: z.enum(['joint']).default('joint'),
  pooling: z.enum(['eot', 'argmax']).default('eot'),
  learning_rate_t1: learningRateSchema.default(0.1),
  learning_rate_t2: learningRateSchema.default(0.1),
  learning_rate_unit: z.enum(['relative', 'absolute']).default('relative'),
  schedule: z.enum(['constant', 'cosine', 'linear']).default('constant'),
  /** Absent: max_steps. */
  schedule_steps: z.int().min(1).max(1_000_000).optional(),
  weight_decay: z.number().min(0).max(1).default(0.01),
  batch_size: z.int().min(1).max(64).default(4),
  max_steps: z.int().min(1).max(1_000_000).default(200),
  seed: seedSchema.default(0),
  resize: z.enum(['squash', 'crop']).default('squash'),
  flip_probability: z.number().min(0).max(1).default(0.5),
  templates: z.enum(['object', 'style']).default('object'),
  norm: z.enum(['free', 'vocabulary']).default('free'),
  ema_decay: z.number().min(0).max(0.9999).default(0.95),
  prior_steps: z.int().min(1).max(100).default(5),
  packing: z.enum(['packed', 'exclusive']).default('packed'),
});

export const trainingSpecSchema = hyperparametersSchema.extend({
  model: modelNameSchema.default(defaultModel),
  placeholder_token: placeholderSchema,
  initializer_token: initializerSchema,
  checkpoint: z.strictObject({ every_steps: z.int().min(1).max(10_000).default(25) }).prefault({}),
  /** 0: at the last step only. */
  eval: z.strictObject({ every_steps: z.int().min(0).max(1_000_000).default(25) }).prefault({}),
  samples: samplesSchema.prefault({}),
  /** Failures that are counted (not lost workers) before the run is given up. */
  max_restarts: z.int().min(0).max(1000).default(5),
  /** Longest segment, in seconds: how soon a waiting run of higher priority gets the device. */
  segment_max_s: z.int().min(1).max(86_400).default(60),
});

export type TrainingSpec = z.output<typeof trainingSpecSchema>;
export type TrainingSpecInput = z.input<typeof trainingSpecSchema>;
export type SampleSpec = z.output<typeof samplesSchema>;

export const hyperparameterNames = Object.keys(hyperparametersSchema.shape);
