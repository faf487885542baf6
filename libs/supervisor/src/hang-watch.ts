import { setTimeout as sleep } from 'node:timers/promises';
import { isStopped } from './identity.js';

interface HangLimits {
  readonly lookEveryMs: number;
  /** A process that somebody stopped holds what others wait for: locks, ports, tasks that it took. */
  readonly stoppedMs: number;
  /** Long: a busy machine, or a large file being read, is no hang. */
  readonly silentMs: number;
}

const defaultLimits: HangLimits = { lookEveryMs: 1_000, stoppedMs: 5_000, silentMs: 60_000 };

interface HangWatch {
  pid: number;
  /** Whether the part answers; absent where it cannot be asked. */
  isAnswering: (() => Promise<boolean>) | undefined;
  signal: AbortSignal;
}

/** Resolves with the reason when the process lives but does nothing; never where the signal comes first. */
export async function untilHung(
  { pid, isAnswering, signal }: HangWatch,
  limits = defaultLimits,
): Promise<string | undefined> {
  let stoppedMs = 0;
  let silentMs = 0;
  let lastLook = performance.now();
  while (!signal.aborted) {
    await sleep(limits.lookEveryMs, undefined, { signal }).catch(() => {});
    if (signal.aborted) return undefined;
    const [isHeld, answers] = await Promise.all([
      isStopped(pid),
      isAnswering?.().catch(() => false) ?? Promise.resolve(true),
    ]);
    // While this process itself was held up (the machine slept) nobody else's time counts.
    const passedMs = Math.min(performance.now() - lastLook, 3 * limits.lookEveryMs);
    lastLook = performance.now();
    stoppedMs = isHeld ? stoppedMs + passedMs : 0;
    silentMs = answers ? 0 : silentMs + passedMs;
    if (stoppedMs >= limits.stoppedMs) return `stopped for ${Math.round(stoppedMs / 1000)} s`;
    if (silentMs >= limits.silentMs) return `silent for ${Math.round(silentMs / 1000)} s`;
  }
  return undefined;
}
