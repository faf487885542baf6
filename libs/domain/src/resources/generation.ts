import { z } from 'zod';
import { generationRequestSchema } from '../generation-request.js';
import { generationPhases } from '../lifecycle.js';
import { producerSchema } from '../recipe.js';
import { failureSchema, timeSchema } from './shared.js';

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
  created_at: timeSchema,
  finished_at: timeSchema.nullable(),
});

export type Generation = z.output<typeof generationSchema>;
