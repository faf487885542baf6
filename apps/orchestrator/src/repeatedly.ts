import { toMurnauError } from '@murnau/domain';
import type { Logger } from '@murnau/logging';

interface Repetition {
  /** What the work is called when it fails. */
  name: string;
  /** From one end to the next start. */
  everyMs: number;
  log: Logger;
}

/** Does the work now and again and again; a failure is logged and ends nothing. Returns how to stop. */
export function repeatedly(
  { name, everyMs, log }: Repetition,
  work: () => Promise<void>,
): () => Promise<void> {
  let isStopped = false;
  let wake: () => void = () => undefined;
  const pause = (): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, everyMs);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  const loop = (async () => {
    while (!isStopped) {
      try {
        await work();
      } catch (error) {
        const { code, message } = toMurnauError(error);
        log.warn({ code }, `${name} failed: ${message}`);
      }
      if (!isStopped) await pause();
    }
  })();
  return async () => {
    isStopped = true;
    wake();
    await loop;
  };
}
