import { startStored } from '@murnau/activities';
import type { StartStoredDeps } from '@murnau/activities';
import type { Logger } from '@murnau/logging';
import { toMurnauError } from '@murnau/domain';

const intervalMs = 2_000;

/** Looks again and again for what was stored but not started. Returns how to stop. */
export function startStoredForever(deps: StartStoredDeps, log: Logger): () => Promise<void> {
  let isStopped = false;
  let wake: () => void = () => undefined;
  const pause = (): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, intervalMs);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  const work = (async () => {
    while (!isStopped) {
      try {
        const started = await startStored(deps);
        if (started > 0) log.info({ started }, 'started what was stored only');
      } catch (error) {
        const { code, message } = toMurnauError(error);
        log.warn({ code }, `could not look for what was stored only: ${message}`);
      }
      if (!isStopped) await pause();
    }
  })();
  return async () => {
    isStopped = true;
    wake();
    await work;
  };
}
