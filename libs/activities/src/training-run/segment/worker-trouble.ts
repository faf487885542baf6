import type { ErrorCode } from '@murnau/domain';

/** How segments on one worker ended lately: a worker that fails one run after another is at fault itself. */
export interface WorkerTrouble {
  /** A segment did what it should. */
  succeeded(runId: string): void;
  failed(runId: string, code: ErrorCode): void;
  /** Why the worker should get no work; undefined: it may. */
  reason(): string | undefined;
  reset(): void;
}

/** @param limit different runs that fail in a row before the worker is quarantined. Default 3. */
export function createWorkerTrouble(limit = 3): WorkerTrouble {
  let failed = new Map<string, ErrorCode>();
  return {
    succeeded: () => void (failed = new Map()),
    failed: (runId, code) => void failed.set(runId, code),
    reason: () => {
      if (failed.size < limit) return undefined;
      return `${failed.size} different runs failed one after another, the last with ${[...failed.values()].at(-1)}`;
    },
    reset: () => void (failed = new Map()),
  };
}
