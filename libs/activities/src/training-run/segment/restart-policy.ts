import type { ErrorCode } from '@murnau/domain';
import { errorRegistry } from '@murnau/domain';

interface Failing {
  readonly code: ErrorCode;
  /** Whether other runs were on the device at the same time. */
  readonly shared: boolean;
  /** Whether the worker's process ended under it. */
  readonly died: boolean;
}

type RestartPolicy =
  /** Goes on as if nothing had happened; only the cause is put down. (Deaths of a worker are counted by the store.) */
  | { readonly kind: 'free'; readonly cause: string }
  /** Goes on while `max_restarts` allows. */
  | { readonly kind: 'counted'; readonly cause: string }
  /** Another attempt has the run: says nothing. */
  | { readonly kind: 'fenced' }
  | { readonly kind: 'fail' };

/** What follows from an attempt's failure (architecture, rule 4). */
export function restartPolicy({ code, shared, died }: Failing): RestartPolicy {
  switch (code) {
    case 'worker.lost':
      return { kind: 'free', cause: died ? 'worker_died' : 'worker' };
    case 'worker.unavailable':
    case 'temporal.unavailable':
      return { kind: 'free', cause: 'worker' };
    case 'storage.full':
    case 'storage.unavailable':
      return { kind: 'free', cause: 'storage' };
    case 'claim.stale':
    case 'claim.fenced':
      return { kind: 'fenced' };
    case 'device.out_of_memory':
      return shared ? { kind: 'counted', cause: 'out_of_memory' } : { kind: 'fail' };
    // The worker's cache may have lost it between the upload and the start.
    case 'blob.not_found':
      return { kind: 'counted', cause: 'blob' };
    default:
      return errorRegistry[code].retryable ? { kind: 'counted', cause: 'crash' } : { kind: 'fail' };
  }
}
