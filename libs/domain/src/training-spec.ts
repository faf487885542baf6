import { z } from 'zod';
import { towerFields } from './families/fields.js';
import { familyNames, objectiveNames, parameterFields } from './families/families.js';
import { families } from './families/generated.js';
import { defaultModel, specRules } from './families/registry.js';

/** Steps that a run can have. */
export const mostSteps = 1_000_000;

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
  .regex(/^[a-z0-9][a-z0-9.-]{0,62}$/, `must be a model name such as ${familyNames[0]}`);

const learningRateSchema = z.number().positive().max(100);

/** Characters of a sample's prompt or a picture's caption. */
export const longestWordedText = 500;
export const wordedTextSchema = z
  .string()
  .min(1)
  .max(longestWordedText)
  .includes('{placeholder}', 'must contain {placeholder}');

export const samplesSchema = z.strictObject({
  /** Steps between samples; 0: none on the way. */
  every_steps: z.int().min(0).max(mostSteps).default(50),
  prompts: z
    .array(wordedTextSchema)
    .min(1)
    .max(16)
    .default([
      'a photo of a {placeholder}',
      'Professional high-quality art of a {placeholder}. photorealistic, 4k, HQ',
    ]),
  per_prompt: z.int().min(1).max(16).default(2),
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

/** Languages that the templates are written in; a tower may read English only. */
export const templateLanguages = ['en', 'de', 'fr', 'ru'] as const;
export type TemplateLanguage = (typeof templateLanguages)[number];

export const optimizers = ['adamw', 'adam', 'nadam', 'radam', 'adamax', 'adagrad', 'rmsprop', 'sgd'] as const;

/** Most samples of one optimizer step. */
const largestBatch = 256;

/** What may be searched and set: everything of a run but what it is about. Each is one value, never a list. */
export const hyperparametersSchema = z.strictObject({
  /** Rows learnt in each tower, as consecutive tokens. */
  num_vectors: z.int().min(1).max(16).default(1),
  objective: z.enum(objectiveNames).default(objectiveNames[0]),
  ...parameterFields,
  /** Of each text tower's rows. */
  ...towerFields(families, 'learning_rate_', {
    common: learningRateSchema.default(0.2),
    other: learningRateSchema.optional(),
  }),
  learning_rate_unit: z.enum(['relative', 'absolute']).default('relative'),
  schedule: z.enum(['constant', 'cosine', 'linear']).default('cosine'),
  /** Absent: max_steps. */
  schedule_steps: z.int().min(1).max(mostSteps).optional(),
  /** Steps over which the learning rates rise from 0. */
  warmup_steps: z.int().min(0).max(mostSteps).default(0),
  optimizer: z.enum(optimizers).default('adamw'),
  weight_decay: z.number().min(0).max(1).default(0.01),
  /** `min_snr` weighs a sample by min(SNR, gamma) / SNR of its timestep. */
  loss_weight: z.enum(['uniform', 'min_snr']).default('uniform'),
  min_snr_gamma: z.number().positive().max(1000).default(5),
  batch_size: z.int().min(1).max(64).default(8),
  /** Batches of one optimizer step: it sees `batch_size` × this many samples. */
  gradient_accumulation_steps: z.int().min(1).max(64).default(1),
  max_steps: z.int().min(1).max(mostSteps).default(200),
  seed: seedSchema.default(0),
  /** `bucket` keeps a picture's proportions as nearly as one of the model's aspect buckets does. */
  resize: z.enum(['squash', 'crop', 'bucket']).default('squash'),
  flip_probability: z.number().min(0).max(1).default(0.5),
  /** What of a picture the decoder's loss looks at: all, its opaque part, or its mask's white part. */
  loss_mask: z.enum(['none', 'alpha', 'file']).default('none'),
  /** Weight of what the mask leaves out. */
  loss_mask_floor: z.number().min(0).max(1).default(0),
  /** `captions`: the texts beside the pictures. */
  templates: z.enum(['object', 'style', 'captions']).default('object'),
  /** Separated by commas; a tower that reads English only gets English. */
  template_languages: z
    .string()
    .regex(
      new RegExp(`^(${templateLanguages.join('|')})(,(${templateLanguages.join('|')}))*$`),
      `must be languages of ${templateLanguages.join(', ')}, separated by commas`,
    )
    .default('en'),
  norm: z.enum(['free', 'vocabulary']).default('vocabulary'),
  ema_decay: z.number().min(0).max(0.9999).default(0.95),
  packing: z.enum(['packed', 'exclusive']).default('packed'),
  /** Which rows become the run's embedding. */
  publish: z.enum(['averaged', 'last', 'best']).default('averaged'),
});

export const checkpointSchema = z.strictObject({
  every_steps: z.int().min(1).max(10_000).default(25),
  /** Which checkpoints stay once newer ones are stored; a finished run's last always does. */
  keep: z.enum(['best+latest', 'all']).default('best+latest'),
});

/** What words a run begins from where one word for all towers will not do. */
export const initializerKeys = {
  /** Word or phrase for one tower alone. */
  ...towerFields(families, 'initializer_', {
    common: initializerSchema.optional(),
    other: initializerSchema.optional(),
  }),
  /** Id of an embedding of the same model and as many vectors, instead of words. */
  initializer_embedding: z.string().min(1).max(64).optional(),
} as const;

/** Ends a run whose loss has come to rest (the DVAR rule). */
export const stopWhenSchema = z.strictObject({ plateau: z.boolean().default(false) });

export const trainingSpecSchema = hyperparametersSchema
  .extend({
    model: modelNameSchema.default(defaultModel),
    placeholder_token: placeholderSchema,
    /** A word that is one token in each tower; with several vectors also a phrase, spread over them. */
    initializer_token: initializerSchema,
    ...initializerKeys,
    checkpoint: checkpointSchema.prefault({}),
    /** 0: at the last step only. */
    eval: z.strictObject({ every_steps: z.int().min(0).max(mostSteps).default(25) }).prefault({}),
    stop_when: stopWhenSchema.prefault({}),
    samples: samplesSchema.prefault({}),
    /** Failures that are counted (not lost workers) before the run is given up. */
    max_restarts: z.int().min(0).max(1000).default(5),
    /** Longest segment, in seconds: how soon a waiting run of higher priority gets the device. */
    segment_max_s: z.int().min(1).max(86_400).default(60),
  })
  .refine((spec) => spec.batch_size * spec.gradient_accumulation_steps <= largestBatch, {
    path: ['gradient_accumulation_steps'],
    error: `must leave batch_size × gradient_accumulation_steps at ${largestBatch} or less`,
  })
  .check((context) => {
    for (const { path, error, holds } of specRules) {
      if (holds(context.value)) continue;
      context.issues.push({ code: 'custom', input: context.value, path: [...path], message: error });
    }
  })
  .refine((spec) => !spec.stop_when.plateau || spec.eval.every_steps > 0, {
    path: ['eval', 'every_steps'],
    error: 'must be above 0 where stop_when.plateau looks at the evaluations',
  });

export type TrainingSpec = z.output<typeof trainingSpecSchema>;
export type TrainingSpecInput = z.input<typeof trainingSpecSchema>;
export type SampleSpec = z.output<typeof samplesSchema>;

export const hyperparameterNames = Object.keys(hyperparametersSchema.shape);
