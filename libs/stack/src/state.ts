import { z } from 'zod';
import { readText, writeJson } from './files.js';
import type { StackPaths } from './paths.js';
import { processIdentitySchema } from './processes/identity.js';

export const partStateSchema = z.enum(['waiting', 'starting', 'ready', 'failing', 'stopping', 'stopped']);
export type PartState = z.infer<typeof partStateSchema>;

const partRecordSchema = z.object({
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

/** `stack.json`: what runs, where it answers, and which processes are ours. */
export const stackStateSchema = z.object({
  version: z.literal(1),
  supervisor: processIdentitySchema,
  /** Puts another supervisor in the place of one that died. */
  guard: processIdentitySchema.optional(),
  settings_generation: z.number().int(),
  /** `running` until `murnau down` has been heard. */
  state: z.enum(['running', 'stopping']),
  api_url: z.string(),
  token: z.string(),
  temporal_address: z.string(),
  temporal_ui_url: z.string(),
  namespace: z.string(),
  database_url: z.string(),
  /** Order of starting. */
  parts: z.array(partRecordSchema),
});
export type StackState = z.infer<typeof stackStateSchema>;

/** Null where there is no stack, or a file of another version. */
export async function readState(paths: StackPaths): Promise<StackState | null> {
  const text = await readText(paths.state);
  if (text === null) return null;
  try {
    return stackStateSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

export const writeState = (paths: StackPaths, state: StackState): Promise<void> =>
  writeJson(paths.state, state);
