import { setTimeout as sleep } from 'node:timers/promises';
import { MurnauError } from '@murnau/domain';
import { adopt, fingerprintOf, startChild, type Child } from './child.js';
import { endOfLog } from './files.js';
import { untilHung } from './hang-watch.js';
import { isAlive, type ProcessIdentity } from './identity.js';
import type { Part, PartPlan } from './part.js';
import type { PartRecord, PartState } from './part-record.js';
import { signalGroup, stopProcess } from './stop.js';

/** Flat and short: what died is wanted back at once, and a cause that stays costs little at one try a second. */
const firstBackoffMs = 200;
const maxBackoffMs = 1_000;
/** A process that lived this long was well: its next death counts as the first. */
const wellAfterMs = 10_000;
/** Deaths in a row after which the part is reported as failing. It is started again all the same. */
const failuresToReport = 3;
/** Asked often at first, where a moment counts, then less: asking takes time from what is starting. */
const shortestReadyPollMs = 50;
const longestReadyPollMs = 250;

interface KeeperContext {
  log: string;
  /** The whole environment of a process that a plan starts. */
  envOf: (plan: PartPlan) => Record<string, string>;
  /** When the supervisor started, as performance.now(). */
  startedAt: number;
  needs: (name: string) => Keeper | undefined;
  changed: () => void;
  /** The part listens on another port than before: whoever was told the old one must be told. */
  moved: () => void;
  say: (event: string, details?: Record<string, unknown>) => void;
}

/** Keeps one part alive until told to stop. */
export class Keeper {
  readonly name: string;
  #part: Part;
  readonly #context: KeeperContext;
  #state: PartState = 'waiting';
  #child: Child | undefined;
  #plan: PartPlan | undefined;
  #planned: { fingerprint: string; stopSignal: NodeJS.Signals; port: number | undefined } | undefined;
  #restarts = 0;
  #failuresInARow = 0;
  #readyAfterMs: number | undefined;
  #problem: PartRecord['problem'];
  #isStopping = false;
  #wake = new AbortController();
  #readyWaiters: (() => void)[] = [];
  #loop: Promise<void> | undefined;

  constructor(part: Part, context: KeeperContext) {
    this.name = part.name;
    this.#part = part;
    this.#context = context;
  }

  get needs(): readonly string[] {
    return this.#part.needs;
  }

  /** @param outlived this part's process of an earlier supervisor, if it is still alive */
  start(outlived: PartRecord | undefined): void {
    this.#loop = this.#run(outlived).catch((error: unknown) => {
      this.#context.say('keeper.broken', { part: this.name, error: String(error) });
    });
  }

  record(): PartRecord {
    const identity = this.#child?.identity;
    return {
      name: this.name,
      state: this.#state,
      ...(identity && { pid: identity.pid, pgid: identity.pid, started: identity.started }),
      ...(this.#planned && {
        plan: this.#planned.fingerprint,
        stop_signal: this.#planned.stopSignal,
        ...(this.#planned.port !== undefined && { port: this.#planned.port }),
      }),
      log: this.#context.log,
      restarts: this.#restarts,
      failures_in_a_row: this.#failuresInARow,
      ...(this.#readyAfterMs !== undefined && { ready_after_ms: Math.round(this.#readyAfterMs) }),
      ...(this.#problem && { problem: this.#problem }),
    };
  }

  get isReady(): boolean {
    return this.#state === 'ready';
  }

  /** Resolves when the part is ready, at once if it is. */
  whenReady(signal: AbortSignal): Promise<void> {
    if (this.isReady || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      this.#readyWaiters.push(resolve);
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  /** Follows another definition; the process is replaced only when its plan differs. */
  async follow(part: Part): Promise<void> {
    this.#part = part;
    this.#problem = undefined;
    this.#failuresInARow = 0;
    if (!this.#child || !this.#planned) return;
    const plan = await part.plan({ keepsPort: true });
    if (fingerprintOf(plan) === this.#planned.fingerprint) return;
    this.#context.say('part.replaced', { part: this.name });
    await stopProcess(this.#child.identity, { stopSignal: plan.stopSignal, graceMs: plan.stopGraceMs });
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#wake.abort();
    if (this.#child) {
      this.#enter('stopping');
      const { stopSignal = 'SIGTERM' as const } = this.#planned ?? {};
      await stopProcess(this.#child.identity, { stopSignal, graceMs: this.#plan?.stopGraceMs ?? 10_000 });
    }
    await this.#loop;
    this.#enter('stopped');
  }

  async #run(outlived: PartRecord | undefined): Promise<void> {
    let candidate = outlived;
    let wantedSince = this.#context.startedAt;
    while (!this.#isStopping) {
      try {
        const diedAfterMs = await this.#liveOnce(candidate, wantedSince);
        if (diedAfterMs >= wellAfterMs) this.#failuresInARow = 0;
      } catch (error) {
        await this.#report(error);
      }
      candidate = undefined;
      this.#child = undefined;
      if (this.#isStopping) return;
      this.#failuresInARow += 1;
      this.#restarts += 1;
      wantedSince = performance.now();
      if (this.#failuresInARow >= failuresToReport && !this.#problem) await this.#report(null);
      this.#enter(this.#failuresInARow >= failuresToReport ? 'failing' : 'waiting');
      const backoffMs = Math.min(maxBackoffMs, firstBackoffMs * Math.max(1, this.#failuresInARow - 1));
      await sleep(backoffMs, undefined, { signal: this.#wake.signal }).catch(() => {});
    }
  }

  /** From start or adoption to death. @returns how long the process lived, in milliseconds */
  async #liveOnce(outlived: PartRecord | undefined, wantedSince: number): Promise<number> {
    await Promise.all(this.needs.map((name) => this.#context.needs(name)?.whenReady(this.#wake.signal)));
    if (this.#isStopping) return 0;
    const adopted = await this.#livingProcess(outlived);
    const plan = await this.#part.plan({ keepsPort: adopted !== undefined });
    this.#plan = plan;
    const before = this.#planned?.port;
    const fingerprint = fingerprintOf(plan);
    this.#planned = { fingerprint, stopSignal: plan.stopSignal, port: plan.port };
    const child = await this.#childFor(
      plan,
      adopted && { identity: adopted, isCurrent: outlived?.plan === fingerprint },
    );
    if (this.#isStopping) {
      // Told to stop while it was being started.
      await stopProcess(child.identity, { stopSignal: plan.stopSignal, graceMs: plan.stopGraceMs });
      return 0;
    }
    this.#child = child;
    if (before !== undefined && plan.port !== before) this.#context.moved();
    const startedAt = performance.now();
    this.#enter(this.#failuresInARow >= failuresToReport ? 'failing' : 'starting');
    const over = new AbortController();
    const gone = child.gone.finally(() => over.abort());
    await Promise.race([gone, this.#becomeReady(child, over.signal, wantedSince)]);
    void this.#endIfHung(child.identity.pid, over.signal);
    const how = await gone;
    const livedMs = performance.now() - startedAt;
    if (!this.#isStopping)
      this.#context.say('part.died', { part: this.name, how, lived_ms: Math.round(livedMs) });
    // Whatever it started dies with it, or would hold its port and files.
    signalGroup(child.identity.pid, 'SIGKILL');
    return livedMs;
  }

  /** What lives and does nothing is ended like what died: the work goes on elsewhere, and it is started again. */
  async #endIfHung(pid: number, signal: AbortSignal): Promise<void> {
    const isAnswering = this.#part.isAnswering?.bind(this.#part);
    const reason = await untilHung({ pid, isAnswering, signal });
    if (reason === undefined || this.#isStopping) return;
    this.#context.say('part.hung', { part: this.name, pid, reason });
    signalGroup(pid, 'SIGKILL');
  }

  async #livingProcess(outlived: PartRecord | undefined): Promise<ProcessIdentity | undefined> {
    if (outlived?.pid === undefined || outlived.started === undefined) return undefined;
    const identity = { pid: outlived.pid, started: outlived.started };
    return (await isAlive(identity)) ? identity : undefined;
  }

  async #childFor(
    plan: PartPlan,
    living: { identity: ProcessIdentity; isCurrent: boolean } | undefined,
  ): Promise<Child> {
    if (living?.isCurrent) {
      this.#context.say('part.adopted', { part: this.name, pid: living.identity.pid });
      return adopt(living.identity);
    }
    if (living)
      await stopProcess(living.identity, { stopSignal: plan.stopSignal, graceMs: plan.stopGraceMs });
    const { envOf, log } = this.#context;
    const child = await startChild(plan, { env: envOf(plan), log });
    this.#context.say('part.started', { part: this.name, pid: child.identity.pid });
    return child;
  }

  async #becomeReady(child: Child, signal: AbortSignal, wantedSince: number): Promise<void> {
    const askingSince = performance.now();
    while (!signal.aborted) {
      const isReady = await this.#part.isReady(child.identity.pid, signal).catch(() => false);
      if (signal.aborted) return;
      if (isReady && (await this.#finishReadiness())) break;
      const pollMs = (performance.now() - askingSince) / 20;
      await sleep(Math.min(longestReadyPollMs, Math.max(shortestReadyPollMs, pollMs)), undefined, {
        signal,
      }).catch(() => {});
    }
    if (signal.aborted) return;
    this.#readyAfterMs = performance.now() - wantedSince;
    this.#problem = undefined;
    this.#failuresInARow = 0;
    this.#context.say('part.ready', { part: this.name, after_ms: Math.round(this.#readyAfterMs) });
    this.#enter('ready');
    for (const resolve of this.#readyWaiters.splice(0)) resolve();
  }

  async #finishReadiness(): Promise<boolean> {
    try {
      await this.#part.afterReady?.();
      return true;
    } catch (error) {
      this.#context.say('part.not_prepared', { part: this.name, error: String(error) });
      await this.#report(error);
      return false;
    }
  }

  /** Keeps what a person needs to see: the error, or what the process last printed. */
  async #report(error: unknown): Promise<void> {
    const end = await endOfLog(this.#context.log);
    if (error instanceof MurnauError) {
      const { code, message } = error;
      this.#problem = { code, message: code === 'setup.part_failed' ? `${message}\n${end}` : message };
    } else if (error) {
      this.#problem = { code: 'setup.part_failed', message: `${this.name}: ${String(error)}\n${end}` };
    } else {
      this.#problem = {
        code: 'setup.part_failed',
        message: `${this.name} ended ${this.#failuresInARow} times in a row. ${end}`,
      };
    }
    this.#context.say('part.problem', { part: this.name, ...this.#problem });
    this.#context.changed();
  }

  #enter(state: PartState): void {
    this.#state = state;
    this.#context.changed();
  }
}
