import { MurnauError, toMurnauError } from '@murnau/domain';
import type { GpuClient } from '@murnau/gpu-client';
import type { Store } from '@murnau/store';
import { cancellationDetails } from '@temporalio/activity';
import { classified, keptAlive } from './activity.js';

/** What a dispatcher knows of its worker. */
export interface WorkerHealth {
  /** Whether the worker answers now; a task that comes while it does not goes back to the queue at once. */
  readonly isHealthy: () => boolean;
  /** A stream broke: look at the worker before giving it the next task. */
  readonly onSuspect: () => void;
  /** Of the worker's process as it is now. */
  readonly incarnation: () => string;
  /** Whether that process has ended, as far as is known. */
  readonly hasEnded: (incarnation: string) => Promise<boolean>;
}

/** A model's part of the room that a worker has for one kind of work. */
export interface WorkerDoor {
  /**
   * Takes a place. `alone`: waits until nothing else is on the worker, and keeps it so.
   * @returns what gives the place back
   * @throws `worker.unavailable` where there is none: the task goes back to its queue
   */
  readonly enter: (how: { readonly alone: boolean; readonly signal: AbortSignal }) => Promise<() => void>;
}

/** Of activities that one GPU worker does. */
export interface WorkerDeps extends WorkerHealth {
  readonly store: Pick<Store, 'blobs' | 'embeddings' | 'generations'>;
  readonly client: GpuClient;
}

/** Sends a task back at once when the worker does not answer; a broken stream makes the dispatcher look at it. */
export function onWorker<Input, Output>(
  { isHealthy, onSuspect }: Pick<WorkerHealth, 'isHealthy' | 'onSuspect'>,
  activity: (input: Input, report: (details: unknown) => void) => Promise<Output>,
): (input: Input) => Promise<Output> {
  const kept = keptAlive(activity);
  return classified(async (input) => {
    if (!isHealthy()) throw new MurnauError('worker.unavailable', 'The worker does not answer.');
    try {
      return await kept(input);
    } catch (error) {
      if (cancellationDetails() !== undefined) {
        throw new MurnauError('worker.lost', 'The task was taken away.', { cause: error });
      }
      const { code, cause } = toMurnauError(error);
      // Without a cause it was sent back by us: all places are taken.
      if (code.startsWith('worker.') && cause !== undefined) onSuspect();
      throw error;
    }
  });
}
