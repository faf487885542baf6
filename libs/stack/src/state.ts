import { z } from 'zod';
import { partRecordSchema, processIdentitySchema, readText, writeJson } from '@murnau/supervisor';
import type { StackPaths } from './paths.js';

/** `stack.json`: what runs, where it answers, and which processes are ours. */
const stackStateSchema = z.object({
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
