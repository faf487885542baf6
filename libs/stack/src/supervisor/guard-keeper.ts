import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { inheritedEnv } from '../env.js';
import type { StackPaths } from '../paths.js';
import { identify, type ProcessIdentity } from '../processes/identity.js';
import { partMark, stackMark } from './child.js';

/** In dist/ also when this file runs from src/, as in tests. */
const guardProgram = fileURLToPath(new URL('../../dist/guard.js', import.meta.url));
const againAfterMs = 500;

/** Keeps the guard alive that keeps the supervisor alive: it takes both dying at once to leave the stack alone. */
export class GuardKeeper {
  readonly #paths: StackPaths;
  readonly #supervisor: ProcessIdentity;
  readonly #changed: () => void;
  #child: ChildProcess | undefined;
  #isStopping = false;
  identity: ProcessIdentity | undefined;

  constructor(paths: StackPaths, supervisor: ProcessIdentity, changed: () => void) {
    this.#paths = paths;
    this.#supervisor = supervisor;
    this.#changed = changed;
  }

  start(): void {
    if (this.#isStopping) return;
    const { pid, started } = this.#supervisor;
    const { home } = this.#paths;
    const child = spawn(process.execPath, [guardProgram, home, String(pid), started], {
      cwd: home,
      detached: true,
      env: { ...inheritedEnv(), [stackMark]: home, [partMark]: 'guard' },
      stdio: 'ignore',
    });
    this.#child = child;
    const again = (): void => {
      this.identity = undefined;
      if (!this.#isStopping) setTimeout(() => this.start(), againAfterMs);
    };
    child.once('exit', again);
    child.once('error', again);
    child.once('spawn', () => {
      void identify(child.pid as number).then((identity) => {
        this.identity = identity ?? undefined;
        this.#changed();
      });
    });
    child.unref();
  }

  stop(): void {
    this.#isStopping = true;
    this.#child?.kill('SIGTERM');
  }
}
