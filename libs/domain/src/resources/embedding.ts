import { z } from 'zod';
import { poolings } from '../families/registry.js';
import { timeSchema } from './shared.js';

export const publications = ['averaged', 'last', 'best'] as const;
export type Publication = (typeof publications)[number];

export const embeddingSchema = z.object({
  id: z.string(),
  placeholder_token: z.string(),
  initializer_token: z.string().nullable(),
  model: z.string(),
  num_vectors: z.int(),
  /** How its text feature is read; null: its family knows one way only. */
  pooling: z.enum(poolings).nullable(),
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
  created_at: timeSchema,
});

export type Embedding = z.output<typeof embeddingSchema>;
