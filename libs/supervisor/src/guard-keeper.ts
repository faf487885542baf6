import { spawn, type ChildProcess } from 'node:child_process';
import { identify, type ProcessIdentity } from './identity.js';
import type { PartPlan } from './part.js';

const againAfterMs = 500;

/** How to start the guard; `env` is its whole environment. */
export type GuardPlan = Pick<PartPlan, 'command' | 'args' | 'cwd' | 'env'>;

/** Keeps the guard alive that keeps the supervisor alive: it takes both dying at once to leave the parts alone. */
export class GuardKeeper {
  readonly #plan: GuardPlan;
  readonly #changed: () => void;
  #child: ChildProcess | undefined;
  #isStopping = false;
  identity: ProcessIdentity | undefined;

  constructor(plan: GuardPlan, changed: () => void) {
    this.#plan = plan;
    this.#changed = changed;
  }

  start(): void {
    if (this.#isStopping) return;
    const { command, args, cwd, env } = this.#plan;
    const child = spawn(command, args, { cwd, detached: true, env, stdio: 'ignore' });
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
