import type { LiveMessage } from '@murnau/api-client';
import { expectedTrials, isEnded } from '@murnau/domain';
import type { Run, StoredEvent, Sweep } from '@murnau/domain';
import { StepRate } from './rate.js';

/** Ended runs that are kept: of a sweep of ten thousand trials a screen shows a few. */
const mostEnded = 200;

/** The phase in which an event says that its run has ended. */
function endOf({ kind, data }: StoredEvent): Run['phase'] | undefined {
  if (kind === 'finished') return 'finished';
  const { phase } = data;
  return kind === 'phase' && typeof phase === 'string' && isEnded(phase) ? phase : undefined;
}

/** What a watcher has been told so far: of a sweep its counts, and runs that it was told of. */
export class WatchState {
  sweep: Sweep | undefined;
  /** Phase of the end; undefined while it goes on. */
  ended: string | undefined;
  /** What changed last comes last. */
  readonly #runs = new Map<string, Run>();
  readonly #rates = new Map<string, StepRate>();

  apply(message: LiveMessage, nowMs: number): void {
    if (message.kind === 'sweep') this.sweep = message.sweep;
    if (message.kind === 'end') this.ended = message.phase;
    if (message.kind === 'event') this.#noteEnd(message.event);
    if (message.kind !== 'run') return;
    const { run } = message;
    this.#put(run);
    let rate = this.#rates.get(run.id);
    if (rate === undefined) this.#rates.set(run.id, (rate = new StepRate()));
    if (run.phase === 'running') rate.observe(run.step, nowMs);
    this.#forgetEnded();
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
    const { sweep } = this;
    const running = [...this.#runs.values()].filter(({ phase }) => phase === 'running');
    const [any] = this.#runs.values();
    if (sweep === undefined || any === undefined || running.length === 0) return undefined;
    const known = running.reduce((sum, run) => sum + (this.rate(run.id)?.perSecond() ?? 0), 0);
    const done = running.reduce((sum, { step }) => sum + step, 0);
    // A watcher of many is told of some of those that run.
    const share = Math.max(1, (sweep.counts['running'] ?? 0) / running.length);
    const ended = Object.entries(sweep.counts).reduce(
      (sum, [phase, trials]) => sum + (isEnded(phase) ? trials : 0),
      0,
    );
    const left = (expectedTrials(sweep) - ended) * any.spec.max_steps - done * share;
    return known > 0 && left > 0 ? left / (known * share) : undefined;
  }

  #put(run: Run): void {
    this.#runs.delete(run.id);
    this.#runs.set(run.id, run);
  }

  /** A run's last state may not be sent where many change at once; its end is always an event. */
  #noteEnd(event: StoredEvent): void {
    const run = this.#runs.get(event.run_id ?? '');
    const phase = endOf(event);
    if (run !== undefined && phase !== undefined && !isEnded(run.phase)) this.#put({ ...run, phase });
  }

  #forgetEnded(): void {
    const ended = [...this.#runs.values()].filter(
      ({ id, phase }) => isEnded(phase) && id !== this.sweep?.best_run_id,
    );
    for (const { id } of ended.slice(0, -mostEnded)) {
      this.#runs.delete(id);
      this.#rates.delete(id);
    }
  }
}
