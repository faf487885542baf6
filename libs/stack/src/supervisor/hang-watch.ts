import { setTimeout as sleep } from 'node:timers/promises';
import { isStopped } from '../processes/identity.js';

const lookEveryMs = 1_000;
/** A process that somebody stopped holds what others wait for: locks, ports, tasks that it took. */
const stoppedLimitMs = 5_000;
/** Long: a busy machine, or a large file being read, is no hang. */
const silentLimitMs = 60_000;

export interface HangWatch {
  pid: number;
  /** Whether the part answers; absent where it cannot be asked. */
  isAnswering: (() => Promise<boolean>) | undefined;
  signal: AbortSignal;
}

/** Resolves with the reason when the process lives but does nothing; never where the signal comes first. */
export async function untilHung({ pid, isAnswering, signal }: HangWatch): Promise<string | undefined> {
  let stoppedMs = 0;
  let silentMs = 0;
  let lastLook = performance.now();
  while (!signal.aborted) {
    await sleep(lookEveryMs, undefined, { signal }).catch(() => {});
    if (signal.aborted) return undefined;
    const [isHeld, answers] = await Promise.all([
      isStopped(pid),
      isAnswering?.().catch(() => false) ?? Promise.resolve(true),
    ]);
    // While this process itself was held up (the machine slept) nobody else's time counts.
    const passedMs = Math.min(performance.now() - lastLook, 3 * lookEveryMs);
    lastLook = performance.now();
    stoppedMs = isHeld ? stoppedMs + passedMs : 0;
    silentMs = answers ? 0 : silentMs + passedMs;
    if (stoppedMs >= stoppedLimitMs) return `stopped for ${Math.round(stoppedMs / 1000)} s`;
    if (silentMs >= silentLimitMs) return `silent for ${Math.round(silentMs / 1000)} s`;
  }
  return undefined;
}
