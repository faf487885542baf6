import { MurnauError, toMurnauError } from '@murnau/domain';
import type { GpuClient } from '@murnau/gpu-client';
import type { Store } from '@murnau/store';
import { cancellationDetails } from '@temporalio/activity';
import { classified, keptAlive } from './activity.js';

/** Of activities that one GPU worker does. */
export interface WorkerDeps {
  readonly store: Pick<Store, 'blobs' | 'embeddings' | 'generations'>;
  readonly client: GpuClient;
  readonly isHealthy: () => boolean;
  readonly onSuspect: () => void;
}

/** Sends a task back at once when the worker does not answer; a broken stream makes the dispatcher look at it. */
export function onWorker<Input, Output>(
  { isHealthy, onSuspect }: Pick<WorkerDeps, 'isHealthy' | 'onSuspect'>,
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
      if (toMurnauError(error).code.startsWith('worker.')) onSuspect();
      throw error;
    }
  });
}
