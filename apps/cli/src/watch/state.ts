import type { LiveMessage } from '@murnau/api-client';
import { expectedTrials } from '@murnau/domain';
import type { Run, Sweep } from '@murnau/domain';
import { StepRate } from './rate.js';

/** What a watcher has been told so far. */
export class WatchState {
  sweep: Sweep | undefined;
  /** Phase of the end; undefined while it goes on. */
  ended: string | undefined;
  readonly #runs = new Map<string, Run>();
  readonly #rates = new Map<string, StepRate>();

  apply(message: LiveMessage, nowMs: number): void {
    if (message.kind === 'sweep') this.sweep = message.sweep;
    if (message.kind === 'end') this.ended = message.phase;
    if (message.kind !== 'run') return;
    const { run } = message;
    this.#runs.set(run.id, run);
    let rate = this.#rates.get(run.id);
    if (rate === undefined) this.#rates.set(run.id, (rate = new StepRate()));
    if (run.phase === 'running') rate.observe(run.step, nowMs);
  }

  run(id: string): Run | undefined {
    return this.#runs.get(id);
  }
  rate(id: string): StepRate | undefined {
    return this.#rates.get(id);
  }
  /** By trial number. */
  runs(): Run[] {
    return [...this.#runs.values()].sort(
      (a, b) => (a.trial ?? 0) - (b.trial ?? 0) || a.id.localeCompare(b.id),
    );
  }

  /** Seconds until the last step of all trials, if they go on as they do now; undefined when unknown or none is left. */
  remainingSeconds(): number | undefined {
    let left = 0;
    let perSecond = 0;
    for (const run of this.#runs.values()) {
      if (run.phase !== 'running' && run.phase !== 'queued') continue;
      left += run.spec.max_steps - run.step;
      if (run.phase === 'running') perSecond += this.rate(run.id)?.perSecond() ?? 0;
    }
    const planned = this.sweep === undefined ? 0 : expectedTrials(this.sweep) - this.#runs.size;
    const [any] = this.#runs.values();
    left += Math.max(0, planned) * (any?.spec.max_steps ?? 0);
    return perSecond > 0 && left > 0 ? left / perSecond : undefined;
  }
}
