import { logLevelSchema, readEnv } from '@murnau/config';
import { keepLoopbackDirect } from '@murnau/environment';
import { z } from 'zod';

const schema = z.object({
  DATABASE_URL: z.string().min(1),
  BLOB_DIR: z.string().min(1),
  TEMPORAL_ADDRESS: z.string().min(1).default('127.0.0.1:7833'),
  TEMPORAL_NAMESPACE: z.string().min(1).default('default'),
  /** `host:port` of the worker that this dispatcher serves. */
  WORKER_ADDRESS: z.string().min(1).default('127.0.0.1:7840'),
  /** Name of the worker for people. Absent: its address. */
  WORKER_NAME: z.string().min(1).max(80).optional(),
  /** Several workers, in place of one: `name=host:port,name=host:port`. */
  WORKERS: z
    .string()
    .regex(/^[^=,]{1,80}=[^=,]+(,[^=,]{1,80}=[^=,]+)*$/, 'must be name=host:port, with commas between')
    .optional(),
  LOG_LEVEL: logLevelSchema,
});

interface HostedAddress {
  readonly name: string;
  readonly address: string;
}

export type Environment = z.output<typeof schema> & { readonly workers: readonly HostedAddress[] };

/** @throws MurnauError `config.invalid` */
export function readEnvironment(): Environment {
  keepLoopbackDirect(process.env);
  const env = readEnv(schema, process.env);
  const { WORKERS, WORKER_ADDRESS: address, WORKER_NAME: name = address } = env;
  const several = WORKERS?.split(',').map((entry) => {
    const [each = '', where = ''] = entry.split('=');
    return { name: each, address: where };
  });
  return { ...env, workers: several ?? [{ name, address }] };
}
