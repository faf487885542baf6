import { z } from 'zod';
import { defaultModel, modelNameSchema, seedSchema } from './training-spec.js';

/** Zero or empty: the model's default. */
export const generationRequestSchema = z.strictObject({
  model: modelNameSchema.default(defaultModel),
  prompt: z.string().min(1).max(1000),
  /** Ids of learnt embeddings. Absent: the newest of each placeholder in the prompt. */
  embedding_ids: z.array(z.string()).max(16).optional(),
  count: z.int().min(1).max(64).default(4),
  /** Picture i has seed + i. */
  seed: seedSchema.default(0),
  num_steps: z.int().min(0).max(1000).default(0),
  guidance_scale: z.number().min(0).max(100).default(0),
  prior_steps: z.int().min(0).max(1000).default(0),
  prior_guidance_scale: z.number().min(0).max(100).default(0),
  sampler: z.enum(['ddim_sampler', 'p_sampler']).default('ddim_sampler'),
  width: z.int().min(0).max(2048).default(0),
  height: z.int().min(0).max(2048).default(0),
  negative_decoder_prompt: z.string().max(1000).default(''),
  negative_prior_prompt: z.string().max(1000).default(''),
});
export type GenerationRequest = z.output<typeof generationRequestSchema>;
export type GenerationRequestInput = z.input<typeof generationRequestSchema>;
