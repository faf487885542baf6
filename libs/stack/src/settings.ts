import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { writeJson } from '@murnau/supervisor';
import { checkout, virtualEnvironment } from './checkout.js';
import { servedModelSchema, type ServedModel } from './models.js';
import type { StackPaths } from './paths.js';

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
const settingsSchema = z.object({
  /** Counts changes: the supervisor reports the newest one that it follows. */
  generation: z.number().int(),
  models: z.array(servedModelSchema),
  /** A person named the models; otherwise all known ones are served, as they are known at each `up`. */
  are_models_chosen: z.boolean().default(false),
  workers: z.number().int().min(0).max(64),
  /** Threads of each worker. They are part of the numeric fingerprint. */
  threads: z.number().int().min(1),
  simulate: z.boolean(),
  /** How long a simulated step lasts; null: the worker's default. */
  simulate_step_ms: z.number().min(0).max(60_000).nullable().default(null),
  /** Training streams that each worker takes at once; null: the worker's default. */
  slots: z.number().int().min(1).max(1_000).nullable().default(null),
  /** Ports asked for by a person; null: the default or the next free one. */
  ports: z.object({
    api: portSchema,
    temporal: portSchema,
    temporal_ui: portSchema,
    advisor: portSchema.default(null),
    worker: portSchema,
  }),
  /** Names beside loopback's that requests to the api may come by, such as that of a tunnel. */
  allowed_hosts: z.array(z.string()).default([]),
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
  /** Models to serve. Default: every folder of the checkout's `models/`, and every registered one. */
  models?: readonly ServedModel[] | undefined;
  /** Worker processes, each with its dispatcher. Default 1. */
  workers?: number | undefined;
  /** CPU threads of each worker. Default: the machine's cores but one, divided among the workers. */
  threads?: number | undefined;
  /** Runs workers without a model, for tests of everything around them. */
  simulate?: boolean | undefined;
  /** How long a simulated step lasts, in milliseconds. Default 20. */
  simulateStepMs?: number | undefined;
  /** Training streams that each worker takes at once. Default 4. */
  slots?: number | undefined;
  apiPort?: number | undefined;
  temporalPort?: number | undefined;
  temporalUiPort?: number | undefined;
  advisorPort?: number | undefined;
  /** Port of the first worker; the others follow it. */
  workerPort?: number | undefined;
  /** Names beside loopback's that requests to the api may come by. Default: none. */
  allowedHosts?: readonly string[] | undefined;
  /** How long `startStack` waits until everything answers. Default 120 s. */
  startTimeoutMs?: number | undefined;
  /** Other programs for the parts, for tests. */
  programs?: Partial<Settings['programs']> | undefined;
}

const nodeProgram = (app: string): Program => ({
  command: process.execPath,
  args: [join(checkout, 'apps', app, 'dist/main.js')],
});

export function defaultPrograms(): Settings['programs'] {
  return {
    temporal: { command: join(virtualEnvironment, 'bin/temporal'), args: [] },
    worker: { command: join(virtualEnvironment, 'bin/python'), args: ['-m', 'murnau_worker'] },
    advisor: { command: join(virtualEnvironment, 'bin/python'), args: ['-m', 'murnau_worker'] },
    orchestrator: nodeProgram('orchestrator'),
    dispatcher: nodeProgram('dispatcher'),
    api: nodeProgram('api'),
  };
}

/** The ports that the options name. */
export const askedPorts = (options: StackOptions): Settings['ports'] => ({
  api: options.apiPort ?? null,
  temporal: options.temporalPort ?? null,
  temporal_ui: options.temporalUiPort ?? null,
  advisor: options.advisorPort ?? null,
  worker: options.workerPort ?? null,
});

/**
 * Options over what runs already (`current`), else over the defaults.
 * @param known shipped and registered models
 */
export function resolveSettings(
  options: StackOptions,
  current: Settings | null,
  known: readonly ServedModel[],
): Settings {
  const workers = options.workers ?? current?.workers ?? 1;
  // One core is left to the database, the servers and the apps: threads that wait for a busy core slow all others down.
  const sharedThreads = Math.max(1, Math.floor((availableParallelism() - 1) / Math.max(1, workers)));
  const keepsThreads = current !== null && current.workers === workers;
  return {
    generation: (current?.generation ?? 0) + 1,
    ...chooseModels(options, current, known),
    workers,
    threads: options.threads ?? (keepsThreads ? current.threads : sharedThreads),
    simulate: options.simulate ?? current?.simulate ?? false,
    simulate_step_ms: options.simulateStepMs ?? current?.simulate_step_ms ?? null,
    slots: options.slots ?? current?.slots ?? null,
    ports: {
      api: options.apiPort ?? current?.ports.api ?? null,
      temporal: options.temporalPort ?? current?.ports.temporal ?? null,
      temporal_ui: options.temporalUiPort ?? current?.ports.temporal_ui ?? null,
      advisor: options.advisorPort ?? current?.ports.advisor ?? null,
      worker: options.workerPort ?? current?.ports.worker ?? null,
    },
    allowed_hosts: [...(options.allowedHosts ?? current?.allowed_hosts ?? [])],
    programs: { ...(current?.programs ?? defaultPrograms()), ...options.programs },
  };
}

function chooseModels(
  { models }: StackOptions,
  current: Settings | null,
  known: readonly ServedModel[],
): Pick<Settings, 'models' | 'are_models_chosen'> {
  if (models !== undefined) return { models: [...models], are_models_chosen: true };
  if (current?.are_models_chosen !== true) return { models: [...known], are_models_chosen: false };
  // How a registered model is held may have changed since it was chosen.
  const newest = current.models.map((chosen) => known.find(({ name }) => name === chosen.name) ?? chosen);
  return { models: newest, are_models_chosen: true };
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
