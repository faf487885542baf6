import { MurnauError } from '@murnau/domain';
import type { Recordable } from './batches.js';
import { takeBatch } from './batches.js';

interface RecorderOptions {
  /** Stores a batch; answers the step of its checkpoint, if it has one. */
  readonly store: (batch: readonly Recordable[]) => Promise<number | undefined>;
  /** A checkpoint is stored, and everything before it. */
  readonly onStored: (step: number) => void;
  /** Storing failed for good: nothing more will be stored. */
  readonly onFailed: (error: unknown) => void;
  /** How long metrics wait for their checkpoint, in milliseconds. Default 1000. */
  readonly maxWaitMs?: number;
  /** How long a full disk is waited for, in milliseconds. The worker's lease makes the run wait. Default 600,000. */
  readonly fullDiskPatienceMs?: number;
}

const fullDiskRetryMs = 1_000;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Stores events in their order, one batch at a time, beside the stream that brings them: a slow store must not look
 * like a silent worker. What waits is bounded by the worker, which stops one checkpoint past the last acknowledged.
 */
export class Recorder {
  private readonly waiting: Recordable[] = [];
  private timer: NodeJS.Timeout | undefined;
  private work: Promise<void> = Promise.resolve();
  private failure: { readonly error: unknown } | undefined;
  private isStopped = false;

  constructor(private readonly options: RecorderOptions) {}

  add(event: Recordable): void {
    this.waiting.push(event);
    if (event.kind === 'checkpoint') this.flush();
    else this.timer ??= setTimeout(() => this.flush(), this.options.maxWaitMs ?? 1_000);
  }

  /** Resolves when everything added is stored. @throws what storing threw */
  async drain(): Promise<void> {
    this.flush();
    await this.work;
    if (this.failure !== undefined) throw this.failure.error;
  }

  /** Forgets what is not stored; resolves when nothing is being written any more. */
  async stop(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.timer);
    this.waiting.length = 0;
    await this.work;
  }

  private flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.work = this.work.then(() => this.writeAll());
  }

  private async writeAll(): Promise<void> {
    try {
      while (this.waiting.length > 0 && this.failure === undefined && !this.isStopped) {
        const step = await this.write(takeBatch(this.waiting));
        if (step !== undefined) this.options.onStored(step);
      }
    } catch (error) {
      this.failure = { error };
      this.options.onFailed(error);
    }
  }

  /** A full disk wrote nothing, so the same batch may be written again; after a lost connection only the store knows. */
  private async write(batch: readonly Recordable[]): Promise<number | undefined> {
    const givesUpAtMs = Date.now() + (this.options.fullDiskPatienceMs ?? 600_000);
    for (;;) {
      try {
        return await this.options.store(batch);
      } catch (error) {
        const isFull = error instanceof MurnauError && error.code === 'storage.full';
        if (!isFull || Date.now() > givesUpAtMs || this.isStopped) throw error;
        await pause(fullDiskRetryMs);
      }
    }
  }
}
