import type { WorkerTrouble } from '@murnau/activities';
import { toMurnauError } from '@murnau/domain';
import type { GpuClient, WorkerDescription } from '@murnau/gpu-client';
import type { Logger } from '@murnau/logging';

interface WorkerWatchOptions {
  readonly client: Pick<GpuClient, 'describe'>;
  readonly trouble: WorkerTrouble;
  readonly log: Logger;
  /** Between looks at a worker that answers, in milliseconds. Default 1000. */
  readonly healthyIntervalMs?: number;
  /** The worker may get work, or may not any more; called at each look. */
  readonly onLook: (look: WorkerLook) => void;
}

export interface WorkerLook {
  /** The newest description; stale while the worker is away. */
  readonly description: WorkerDescription;
  readonly isHealthy: boolean;
  /** Why it gets no work though it answers. */
  readonly quarantineReason: string | undefined;
}

const healthyIntervalMs = 1_000;
const awayIntervalMs = 200;
/** A worker that is merely busy may be late; one that refuses the connection is gone. */
const allowedTimeouts = 3;
/** A device without progress for longer gets no work; as long as a segment waits for it (`stuckAfterS` there). */
const stuckAfterS = 300;
/** After this time a quarantined worker gets another chance. */
const quarantineMs = 60_000;
/** Looks after a process that may have ended, the time between them, and for one. Its port is closed a moment later. */
const deathLooks = 5;
const deathLookEveryMs = 100;
const deathLookTimeoutMs = 1_000;

/** Looks at the worker each second, and five times a second while it is away. */
export class WorkerWatch {
  private description: WorkerDescription | undefined;
  private isAnswering = false;
  private isStuck = false;
  private timeouts = 0;
  private quarantinedMs: number | undefined;
  private isStopped = false;
  private wake: () => void = () => undefined;

  constructor(private readonly options: WorkerWatchOptions) {}

  isHealthy(): boolean {
    return this.isAnswering && !this.isStuck && this.quarantinedMs === undefined;
  }

  /** Of the process that answered last; empty before the first. */
  get incarnation(): string {
    return this.description?.incarnation ?? '';
  }

  /**
   * Whether the process of this incarnation has ended: nothing listens where it did, or another does. A worker that is
   * merely cut off or silent, or whose machine is gone, is not known to have ended.
   */
  async hasEnded(incarnation: string): Promise<boolean> {
    const { client } = this.options;
    for (let look = 1; look <= deathLooks; look += 1) {
      try {
        const found = await client.describe({ signal: AbortSignal.timeout(deathLookTimeoutMs) });
        return found.incarnation !== incarnation;
      } catch (error) {
        const { cause } = toMurnauError(error);
        const why = cause instanceof Error ? cause.message : '';
        if (/ECONNREFUSED/.test(why)) return true;
        if (!/UNAVAILABLE/.test(why)) return false;
      }
      await new Promise((resolve) => setTimeout(resolve, deathLookEveryMs));
    }
    return false;
  }

  /** Something has changed: look now. */
  lookNow(): void {
    this.wake();
  }

  /** Something went wrong: look now. */
  suspect(): void {
    this.timeouts = allowedTimeouts;
    this.wake();
  }

  stop(): void {
    this.isStopped = true;
    this.wake();
  }

  /** Resolves with the first description. */
  async first(): Promise<WorkerDescription | undefined> {
    while (this.description === undefined && !this.isStopped) {
      await this.look();
      if (this.description === undefined) await this.pause(awayIntervalMs);
    }
    return this.description;
  }

  async run(): Promise<void> {
    while (!this.isStopped) {
      await this.look();
      await this.pause(
        this.isAnswering ? (this.options.healthyIntervalMs ?? healthyIntervalMs) : awayIntervalMs,
      );
    }
  }

  private async look(): Promise<void> {
    const { client, log, onLook } = this.options;
    try {
      const description = await client.describe();
      if (!this.isAnswering) {
        const isNew = this.description?.incarnation !== description.incarnation;
        log.info({ incarnation: description.incarnation, isNew }, 'the worker answers');
      }
      if (this.description !== undefined && this.description.incarnation !== description.incarnation) {
        this.options.trouble.reset();
      }
      this.description = description;
      this.isAnswering = true;
      const isStuck = description.progress_age_s > stuckAfterS;
      if (isStuck && !this.isStuck) log.error("the worker's device makes no progress: it gets no work");
      this.isStuck = isStuck;
      this.timeouts = 0;
    } catch (error) {
      const { message, cause } = toMurnauError(error);
      const isRefused = cause instanceof Error && /UNAVAILABLE/.test(cause.message);
      this.timeouts += 1;
      if (this.isAnswering && (isRefused || this.timeouts >= allowedTimeouts)) {
        this.isAnswering = false;
        log.warn(`the worker is away: ${message}`);
      }
    }
    this.judge();
    if (this.description === undefined) return;
    onLook({
      description: this.description,
      isHealthy: this.isHealthy(),
      quarantineReason: this.quarantinedMs === undefined ? undefined : this.options.trouble.reason(),
    });
  }

  private judge(): void {
    const { trouble, log } = this.options;
    if (this.quarantinedMs !== undefined && Date.now() - this.quarantinedMs > quarantineMs) trouble.reset();
    const reason = trouble.reason();
    if (reason === undefined) this.quarantinedMs = undefined;
    else if (this.quarantinedMs === undefined) {
      this.quarantinedMs = Date.now();
      log.error(`the worker is quarantined: ${reason}`);
    }
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
