import { limitSchema, logLevelSchema, readEnv } from '@murnau/config';
import { keepLoopbackDirect } from '@murnau/environment';
import { z } from 'zod';

const schema = z.object({
  DATABASE_URL: z.string().min(1),
  BLOB_DIR: z.string().min(1),
  TEMPORAL_ADDRESS: z.string().min(1).default('127.0.0.1:7833'),
  TEMPORAL_NAMESPACE: z.string().min(1).default('default'),
  /** Suggests the trials of sweeps that search; they wait while it is away. */
  ADVISOR_ADDRESS: z.string().min(1).default('127.0.0.1:7835'),
  /** For links in the Temporal UI. */
  GALLERY_URL: z.url().default('http://127.0.0.1:7800'),
  /** For how many days the events of what has ended are kept; 0: for ever. */
  MURNAU_LIMIT_EVENT_DAYS: limitSchema(0, 36_500).default(90),
  /** For how many days a creation may be repeated under its idempotency key; 0: for ever. */
  MURNAU_LIMIT_KEY_DAYS: limitSchema(0, 36_500).default(7),
  LOG_LEVEL: logLevelSchema,
});

export type Environment = z.output<typeof schema>;

/** @throws MurnauError `config.invalid` */
export function readEnvironment(): Environment {
  keepLoopbackDirect(process.env);
  const env = readEnv(schema, process.env);
  return { ...env, GALLERY_URL: env.GALLERY_URL.replace(/\/+$/, '') };
}
