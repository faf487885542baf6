import { limitSchema, logLevelSchema, readEnv, webPortSchema } from '@murnau/config';
import { accountName, keepLoopbackDirect } from '@murnau/environment';
import { z } from 'zod';
import { defaultLimits, type Limits } from './http/limits.js';

const MIB = 1024 * 1024;
const GIGA = 1e9;

const schema = z.object({
  DATABASE_URL: z.string().min(1),
  BLOB_DIR: z.string().min(1),
  TEMPORAL_ADDRESS: z.string().min(1).default('127.0.0.1:7833'),
  TEMPORAL_NAMESPACE: z.string().min(1).default('default'),
  /** Tells which parameters matter; a sweep's page does without while it is away. */
  ADVISOR_ADDRESS: z.string().min(1).default('127.0.0.1:7835'),
  TEMPORAL_UI_URL: z.url().default('http://127.0.0.1:7834'),
  API_HOST: z.string().min(1).default('127.0.0.1'),
  API_PORT: webPortSchema.default(7800),
  /** Absent: whoever reaches the port may do everything, so only a loopback API_HOST is allowed. */
  API_TOKEN: z.string().min(16, 'at least 16 characters').optional(),
  /** Where people reach the pages. Absent: API_HOST and API_PORT. */
  GALLERY_URL: z.url().optional(),
  /** Further names that requests may come by, such as that of a tunnel, with commas between. */
  API_ALLOWED_HOSTS: z
    .string()
    .default('')
    .transform((names) =>
      names.split(',').flatMap((name) => (name.trim() === '' ? [] : [name.trim().toLowerCase()])),
    ),
  /** By which the installation that started this process knows it again. */
  MURNAU_HEALTH_NAME: z.string().min(1).optional(),
  /** Who the token belongs to. Absent: the user this process runs as. */
  MURNAU_OWNER: z.string().min(1).max(80).optional(),
  /** Files that are being uploaded, in MiB. */
  MURNAU_LIMIT_UPLOAD_MIB: limitSchema(1, 1_000_000).default(defaultLimits.uploadBytes / MIB),
  /** Contact sheets that are being drawn. */
  MURNAU_LIMIT_SHEETS: limitSchema(1, 1_000).default(defaultLimits.sheets),
  /** Streams of events that are open. */
  MURNAU_LIMIT_STREAMS: limitSchema(1, 100_000).default(defaultLimits.streams),
  /** Resized pictures on disk, in MiB. */
  MURNAU_LIMIT_RENDITION_MIB: limitSchema(0, 100_000_000).default(defaultLimits.renditionBytes / MIB),
  /** Pixels × steps × pictures of one generation, in thousands of millions. */
  MURNAU_LIMIT_GIGAPIXEL_STEPS: limitSchema(1, 1_000_000).default(defaultLimits.pixelSteps / GIGA),
  LOG_LEVEL: logLevelSchema,
});

export type Environment = z.output<typeof schema> & { GALLERY_URL: string; MURNAU_OWNER: string };

/** @throws MurnauError `config.invalid` */
export function readEnvironment(): Environment {
  keepLoopbackDirect(process.env);
  const env = readEnv(schema, process.env);
  const host = env.API_HOST.includes(':') ? `[${env.API_HOST}]` : env.API_HOST;
  const galleryUrl = env.GALLERY_URL ?? `http://${host}:${env.API_PORT}`;
  return {
    ...env,
    GALLERY_URL: galleryUrl.replace(/\/+$/, ''),
    MURNAU_OWNER: env.MURNAU_OWNER ?? accountName() ?? `user ${process.getuid?.() ?? ''}`.trim(),
  };
}

export const limitsOf = (env: Environment): Limits => ({
  uploadBytes: env.MURNAU_LIMIT_UPLOAD_MIB * MIB,
  sheets: env.MURNAU_LIMIT_SHEETS,
  streams: env.MURNAU_LIMIT_STREAMS,
  renditionBytes: env.MURNAU_LIMIT_RENDITION_MIB * MIB,
  pixelSteps: env.MURNAU_LIMIT_GIGAPIXEL_STEPS * GIGA,
});
