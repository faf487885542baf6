import { toMurnauError } from '@murnau/domain';
import type { Logger } from '@murnau/logging';
import type { Store } from '@murnau/store';
import type { WorkerLook } from './worker-watch.js';

const reportEveryMs = 1_000;

interface Reported {
  readonly worker: { readonly name: string; readonly address: string };
  readonly look: WorkerLook;
  readonly onLifted: () => void;
}

/**
 * Tells the store about the workers of this process, all in one word each second, and only one word at a time: a slow
 * store must not delay the next look. A worker that is away is not reported: its last word grows old, and it shows as
 * offline.
 */
export class WorkerReport {
  private readonly reported = new Map<string, Reported>();
  private readonly timer: NodeJS.Timeout;
  private isWriting = false;
  private isFirst = true;

  constructor(
    private readonly store: Pick<Store, 'workers'>,
    private readonly log: Logger,
  ) {
    this.timer = setInterval(() => void this.write(), reportEveryMs);
  }

  /** What was seen last of a worker. @param onLifted somebody asked to let it work again */
  seen(worker: Reported['worker'], look: WorkerLook, onLifted: () => void): void {
    if (look.isHealthy || look.quarantineReason !== undefined) {
      const isNew = !this.reported.has(worker.name);
      this.reported.set(worker.name, { worker, look, onLifted });
      if (isNew && this.isFirst) void this.write();
      this.isFirst = false;
    } else this.reported.delete(worker.name);
  }

  forget(name: string): void {
    this.reported.delete(name);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private async write(): Promise<void> {
    if (this.isWriting || this.reported.size === 0) return;
    this.isWriting = true;
    try {
      const words = [...this.reported.values()].map(({ worker, look: { description, quarantineReason } }) => {
        const { device, models, slots, running, generating, steps_per_second } = description;
        const state = { device, models: [...models], slots, running, generating, steps_per_second };
        return { ...worker, ...state, quarantine_reason: quarantineReason ?? null };
      });
      for (const name of await this.store.workers.heartbeats(words)) this.reported.get(name)?.onLifted();
    } catch (error) {
      this.log.warn(`could not report the workers: ${toMurnauError(error).message}`);
    } finally {
      this.isWriting = false;
    }
  }
}
