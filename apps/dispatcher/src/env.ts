import { logLevelSchema, readEnv } from '@murnau/config';
import { z } from 'zod';

const schema = z.object({
  DATABASE_URL: z.string().min(1),
  BLOB_DIR: z.string().min(1),
  TEMPORAL_ADDRESS: z.string().min(1).default('127.0.0.1:7833'),
  TEMPORAL_NAMESPACE: z.string().min(1).default('default'),
  /** `host:port` of the one worker that this dispatcher serves. */
  WORKER_ADDRESS: z.string().min(1).default('127.0.0.1:7840'),
  /** Name of the worker for people. Absent: its address. */
  WORKER_NAME: z.string().min(1).max(80).optional(),
  LOG_LEVEL: logLevelSchema,
});

export type Environment = z.output<typeof schema> & { WORKER_NAME: string };

/** @throws MurnauError `config.invalid` */
export function readEnvironment(): Environment {
  const env = readEnv(schema, process.env);
  return { ...env, WORKER_NAME: env.WORKER_NAME ?? env.WORKER_ADDRESS };
}
