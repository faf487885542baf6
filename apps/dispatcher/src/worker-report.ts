import { toMurnauError } from '@murnau/domain';
import type { Logger } from '@murnau/logging';
import type { Store } from '@murnau/store';
import type { WorkerLook } from './worker-watch.js';

/**
 * Tells the store about the worker, one word at a time: a slow store must not delay the next look.
 * @param onLifted somebody asked to let it work again
 */
export function createWorkerReport(
  worker: { readonly name: string; readonly address: string },
  store: Pick<Store, 'workers'>,
  log: Logger,
  onLifted: () => void,
): (look: WorkerLook) => void {
  let isWriting = false;
  const write = async ({ description, quarantineReason }: WorkerLook): Promise<void> => {
    const { device, models, slots, running, generating, steps_per_second } = description;
    try {
      const { isLifted } = await store.workers.heartbeat({
        ...worker,
        device,
        models: [...models],
        slots,
        running,
        generating,
        steps_per_second,
        quarantine_reason: quarantineReason ?? null,
      });
      if (isLifted) onLifted();
    } catch (error) {
      log.warn(`could not report the worker: ${toMurnauError(error).message}`);
    }
  };
  return (look) => {
    // A worker that is away is not reported: its last word grows old, and it shows as offline.
    if (isWriting || (!look.isHealthy && look.quarantineReason === undefined)) return;
    isWriting = true;
    void write(look).finally(() => (isWriting = false));
  };
}
