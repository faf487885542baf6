import { MurnauError } from '@murnau/domain';
import type { Recordable } from './batches.js';
import { endsBatch, takeBatch, weightOf } from './batches.js';

interface RecorderOptions {
  /** Stores a batch; answers the step of its checkpoint, if it has one. */
  readonly store: (batch: readonly Recordable[]) => Promise<number | undefined>;
  /** A checkpoint is stored, and everything before it. */
  readonly onStored: (step: number) => void;
  /** Storing failed for good, or what waits has become too much: nothing more will be stored. */
  readonly onFailed: (error: unknown) => void;
  /** How long metrics wait for their checkpoint, in milliseconds. Default 1000. */
  readonly maxWaitMs?: number;
  /** How long a full disk is waited for, in milliseconds. The worker's lease makes the run wait. Default 600,000. */
  readonly fullDiskPatienceMs?: number;
  /** What may wait to be stored, in bytes. Default 1 GiB: more than a step's pictures and states have. */
  readonly largestBacklog?: number;
}

const fullDiskRetryMs = 1_000;
const defaultBacklog = 1024 * 1024 * 1024;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Stores events in their order, one batch at a time, beside the stream that brings them: a slow store must not look
 * like a silent worker. The worker stops one checkpoint past the last acknowledged, which bounds what waits; where that
 * is too much all the same, the segment ends as it does when the store fails.
 */
export class Recorder {
  private readonly waiting: Recordable[] = [];
  private backlog = 0;
  private timer: NodeJS.Timeout | undefined;
  private work: Promise<void> = Promise.resolve();
  private failure: { readonly error: unknown } | undefined;
  private isStopped = false;

  constructor(private readonly options: RecorderOptions) {}

  add(event: Recordable): void {
    this.waiting.push(event);
    this.backlog += weightOf(event);
    const { largestBacklog = defaultBacklog } = this.options;
    if (this.backlog > largestBacklog) {
      const message = `More than ${largestBacklog} bytes of the run wait to be stored.`;
      this.fail(new MurnauError('storage.unavailable', message));
    } else if (endsBatch(event)) this.flush();
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
        const batch = takeBatch(this.waiting);
        const step = await this.write(batch);
        this.backlog -= batch.reduce((sum, event) => sum + weightOf(event), 0);
        if (step !== undefined) this.options.onStored(step);
      }
    } catch (error) {
      this.fail(error);
    }
  }

  private fail(error: unknown): void {
    if (this.failure !== undefined) return;
    this.failure = { error };
    this.options.onFailed(error);
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
