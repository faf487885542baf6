import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { defaultHome } from './env.js';

/** Everything the embedded stack keeps. */
export interface StackPaths {
  home: string;
  /** What runs and where it answers: read by the CLI. */
  state: string;
  /** What was asked for: read by the supervisor. */
  settings: string;
  /** Registered models: written by `murnau models`, or by hand. */
  models: string;
  /** What the workers are given of it, a file for each choice of models. */
  workerModels: string;
  /** The install's own bearer token. */
  token: string;
  blobs: string;
  postgres: string;
  temporal: string;
  logs: string;
  upLock: string;
  supervisorLock: string;
}

export function stackPaths(home: string | undefined): StackPaths {
  const folder = home === undefined ? defaultHome() : resolve(home);
  return {
    home: folder,
    state: join(folder, 'stack.json'),
    settings: join(folder, 'settings.json'),
    models: join(folder, 'models.yaml'),
    workerModels: join(folder, 'worker-models'),
    token: join(folder, 'token'),
    blobs: join(folder, 'blobs'),
    postgres: join(folder, 'postgres'),
    temporal: join(folder, 'temporal'),
    logs: join(folder, 'logs'),
    upLock: join(folder, 'up.lock'),
    supervisorLock: join(folder, 'supervisor.lock'),
  };
}

export const logOf = (paths: StackPaths, part: string): string => join(paths.logs, `${part}.log`);

export async function makeFolders(paths: StackPaths): Promise<void> {
  for (const folder of [paths.home, paths.blobs, paths.temporal, paths.logs]) {
    await mkdir(folder, { recursive: true });
  }
}
