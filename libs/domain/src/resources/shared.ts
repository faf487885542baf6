import { z } from 'zod';

/** Times are ISO 8601 in UTC. */
export const timeSchema = z.iso.datetime({ offset: true });

export const failureSchema = z.object({ code: z.string(), message: z.string(), next_step: z.string() });
export type Failure = z.output<typeof failureSchema>;
