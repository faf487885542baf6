import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';

const envSchema = z.object({
  MURNAU_HOME: z.string().min(1).optional(),
  XDG_DATA_HOME: z.string().min(1).optional(),
});

/** Data of the embedded stack: `$MURNAU_HOME`, by default `~/.local/share/murnau`. */
export function defaultHome(): string {
  const env = envSchema.parse(process.env);
  return resolve(env.MURNAU_HOME ?? join(env.XDG_DATA_HOME ?? join(homedir(), '.local/share'), 'murnau'));
}

/** What a part must not inherit: settings of the caller's npm, Python, tests and of another stack. */
const notInherited =
  /^(npm_|NODE_|VITEST|NX_|PYTHONDONTWRITEBYTECODE$|PYTHONPATH$|PYTHONHOME$|VIRTUAL_ENV$|INIT_CWD$|MURNAU_|PG[A-Z]+$)/;

/** Environment that every part starts from. */
export function inheritedEnv(): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !notInherited.test(entry[0]),
  );
  return Object.fromEntries(kept);
}
