import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { writeJson } from './files.js';
import type { StackPaths } from './paths.js';

/** The checkout: this file lies in libs/stack/dist. */
export const checkout = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');

export const virtualEnvironment = join(checkout, 'python-worker/.venv');

/** Where search for a free port begins; a taken default gives way to the next free one. */
export const defaultPorts = {
  api: 7800,
  temporal: 7833,
  temporal_ui: 7834,
  advisor: 7835,
  worker: 7840,
} as const;

const programSchema = z.object({ command: z.string(), args: z.array(z.string()) });
export type Program = z.infer<typeof programSchema>;

const portSchema = z.number().int().min(1).max(65_535).nullable();

/** What a stack is asked to be, kept in `settings.json` for the supervisor. */
export const settingsSchema = z.object({
  /** Counts changes: the supervisor reports the newest one that it follows. */
  generation: z.number().int(),
  models: z.array(z.object({ name: z.string(), dir: z.string() })),
  workers: z.number().int().min(0).max(64),
  /** Threads of each worker. They are part of the numeric fingerprint. */
  threads: z.number().int().min(1),
  simulate: z.boolean(),
  /** Ports asked for by a person; null: the default or the next free one. */
  ports: z.object({
    api: portSchema,
    temporal: portSchema,
    temporal_ui: portSchema,
    advisor: portSchema.default(null),
    worker: portSchema,
  }),
  programs: z.object({
    temporal: programSchema,
    worker: programSchema,
    // A stack that an older version started has none in its file.
    advisor: programSchema.default(() => defaultPrograms().advisor),
    orchestrator: programSchema,
    dispatcher: programSchema,
    api: programSchema,
  }),
});
export type Settings = z.infer<typeof settingsSchema>;

export interface StackOptions {
  /** Data folder. Default: `$MURNAU_HOME`, else `~/.local/share/murnau`. */
  home?: string | undefined;
  /** Models to serve. Default: every folder of the checkout's `models/`. */
  models?: readonly { name: string; dir: string }[] | undefined;
  /** Worker processes, each with its dispatcher. Default 1. */
  workers?: number | undefined;
  /** CPU threads of each worker. Default: the machine's cores but one, divided among the workers. */
  threads?: number | undefined;
  /** Runs workers without a model, for tests of everything around them. */
  simulate?: boolean | undefined;
  apiPort?: number | undefined;
  temporalPort?: number | undefined;
  temporalUiPort?: number | undefined;
  advisorPort?: number | undefined;
  /** Port of the first worker; the others follow it. */
  workerPort?: number | undefined;
  /** How long `startStack` waits until everything answers. Default 120 s. */
  startTimeoutMs?: number | undefined;
  /** Other programs for the parts, for tests. */
  programs?: Partial<Settings['programs']> | undefined;
}

const nodeProgram = (app: string): Program => ({
  command: process.execPath,
  args: [join(checkout, 'apps', app, 'dist/main.js')],
});

function defaultPrograms(): Settings['programs'] {
  return {
    temporal: { command: join(virtualEnvironment, 'bin/temporal'), args: [] },
    worker: { command: join(virtualEnvironment, 'bin/python'), args: ['-m', 'murnau_worker'] },
    advisor: { command: join(virtualEnvironment, 'bin/python'), args: ['-m', 'murnau_worker'] },
    orchestrator: nodeProgram('orchestrator'),
    dispatcher: nodeProgram('dispatcher'),
    api: nodeProgram('api'),
  };
}

/** diffusers' layout names itself in one file, several pipelines of one model in ours. */
export const isModelFolder = (dir: string): boolean =>
  ['model_index.json', 'murnau.yaml'].some((file) => existsSync(join(dir, file)));

/** Folders of `models/` that hold a model, each served under its folder's name. */
export async function shippedModels(): Promise<{ name: string; dir: string }[]> {
  const folder = join(checkout, 'models');
  const names = await readdir(folder).catch(() => []);
  return names
    .sort()
    .map((name) => ({ name, dir: join(folder, name) }))
    .filter(({ dir }) => isModelFolder(dir));
}

/** Options over what runs already (`current`), else over the defaults. */
export async function resolveSettings(options: StackOptions, current: Settings | null): Promise<Settings> {
  const workers = options.workers ?? current?.workers ?? 1;
  // One core is left to the database, the servers and the apps: threads that wait for a busy core slow all others down.
  const sharedThreads = Math.max(1, Math.floor((availableParallelism() - 1) / Math.max(1, workers)));
  const keepsThreads = current !== null && current.workers === workers;
  return {
    generation: (current?.generation ?? 0) + 1,
    models: options.models ? [...options.models] : (current?.models ?? (await shippedModels())),
    workers,
    threads: options.threads ?? (keepsThreads ? current.threads : sharedThreads),
    simulate: options.simulate ?? current?.simulate ?? false,
    ports: {
      api: options.apiPort ?? current?.ports.api ?? null,
      temporal: options.temporalPort ?? current?.ports.temporal ?? null,
      temporal_ui: options.temporalUiPort ?? current?.ports.temporal_ui ?? null,
      advisor: options.advisorPort ?? current?.ports.advisor ?? null,
      worker: options.workerPort ?? current?.ports.worker ?? null,
    },
    programs: { ...(current?.programs ?? defaultPrograms()), ...options.programs },
  };
}

export async function readSettings(paths: StackPaths): Promise<Settings | null> {
  const text = await readFile(paths.settings, 'utf8').catch(() => null);
  return text === null ? null : settingsSchema.parse(JSON.parse(text));
}

export const writeSettings = (paths: StackPaths, settings: Settings): Promise<void> =>
  writeJson(paths.settings, settings);

/** Whether two settings ask for the same stack. */
export function isSameSettings(a: Settings, b: Settings): boolean {
  return JSON.stringify({ ...a, generation: 0 }) === JSON.stringify({ ...b, generation: 0 });
}
