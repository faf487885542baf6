import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
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
  /** Number of its edition. */
  edition: string;
  blobs: string;
  postgres: string;
  temporal: string;
  logs: string;
  /** Temporary files of the parts: here there is room, and nobody tidies up while they run. */
  temporary: string;
  upLock: string;
  supervisorLock: string;
}

export function stackPaths(home: string | undefined): StackPaths {
  const folder = canonical(home === undefined ? defaultHome() : resolve(home));
  return {
    home: folder,
    state: join(folder, 'stack.json'),
    settings: join(folder, 'settings.json'),
    models: join(folder, 'models.yaml'),
    workerModels: join(folder, 'worker-models'),
    token: join(folder, 'token'),
    edition: join(folder, 'edition'),
    blobs: join(folder, 'blobs'),
    postgres: join(folder, 'postgres'),
    temporal: join(folder, 'temporal'),
    logs: join(folder, 'logs'),
    temporary: join(folder, 'tmp'),
    upLock: join(folder, 'up.lock'),
    supervisorLock: join(folder, 'supervisor.lock'),
  };
}

export const logOf = (paths: StackPaths, part: string): string => join(paths.logs, `${part}.log`);

/** The same folder by whatever links it is reached: processes and locks are told apart by its path. */
function canonical(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(canonical(parent), basename(path));
  }
}
