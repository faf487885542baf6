import { z } from 'zod';
import { timeSchema } from './shared.js';

/** One line of a live event stream. */
export const eventSchema = z.object({
  /** Grows; goes into Last-Event-ID. */
  id: z.string(),
  kind: z.string(),
  run_id: z.string().nullable(),
  sweep_id: z.string().nullable(),
  generation_id: z.string().nullable(),
  data: z.record(z.string(), z.unknown()),
  created_at: timeSchema,
});

export type StoredEvent = z.output<typeof eventSchema>;
