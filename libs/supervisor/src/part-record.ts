import { z } from 'zod';

const partStateSchema = z.enum(['waiting', 'starting', 'ready', 'failing', 'stopping', 'stopped']);
export type PartState = z.infer<typeof partStateSchema>;

/** What is known of one part's process, as it is written down. */
export const partRecordSchema = z.object({
  name: z.string(),
  state: partStateSchema,
  /** Absent while there is no process. */
  pid: z.number().int().optional(),
  /** Process group; every part leads its own. */
  pgid: z.number().int().optional(),
  /** Tells this process from a later one with the same number. */
  started: z.string().optional(),
  /** Hash of the command line and the environment: another one asks for a restart. */
  plan: z.string().optional(),
  stop_signal: z.string().optional(),
  port: z.number().int().optional(),
  log: z.string(),
  /** Times it was started again since the supervisor started it first. */
  restarts: z.number().int(),
  /** Deaths in a row soon after a start. */
  failures_in_a_row: z.number().int(),
  /** From the supervisor's start, or from the process's death, until it answered, in milliseconds. */
  ready_after_ms: z.number().optional(),
  /** Why it is not there: the code of the error registry and a sentence, with the end of its log. */
  problem: z.object({ code: z.string(), message: z.string() }).optional(),
});
export type PartRecord = z.infer<typeof partRecordSchema>;
