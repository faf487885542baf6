import { toActivityFailure } from '@murnau/contracts';
import { toMurnauError } from '@murnau/domain';
import { activityInfo, heartbeat } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';

const intervalMs = 500;

/**
 * Heartbeats for as long as the activity runs: a killed process is noticed by the heartbeat's timeout, not by the
 * activity's. For work that ends by itself; a segment heartbeats for its worker instead.
 */
export function keptAlive<Input, Output>(
  activity: (input: Input, report: (details: unknown) => void) => Promise<Output>,
): (input: Input) => Promise<Output> {
  return async (input) => {
    if (activityInfo().heartbeatTimeoutMs === undefined) return activity(input, () => undefined);
    let details: unknown;
    const timer = setInterval(() => heartbeat(details), intervalMs);
    try {
      return await activity(input, (newest) => void (details = newest));
    } finally {
      clearInterval(timer);
    }
  };
}

/** Attempts at what fails for an unknown reason. The next attempt follows after twice the time of the one before. */
const mostInternalAttempts = 5;
const firstRetryMs = 200;

/** Known errors are retried as the registry says; an unknown one may be passing, or a mistake in the code. */
function toFailure(error: unknown): ApplicationFailure {
  const { code } = toMurnauError(error);
  if (code !== 'internal') return toActivityFailure(error);
  const { attempt, isLocal } = activityInfo();
  const isLast = !isLocal && attempt >= mostInternalAttempts;
  return toActivityFailure(error, {
    retryable: !isLast,
    retryAfterMs: firstRetryMs * 2 ** (attempt - 1),
  });
}

/** Wraps an activity so that whatever it throws is classified once, here. */
export function classified<Input, Output>(
  activity: (input: Input) => Promise<Output>,
): (input: Input) => Promise<Output> {
  return async (input) => {
    try {
      return await activity(input);
    } catch (error) {
      if (
        error instanceof Error &&
        (error.name === 'CancelledFailure' || error instanceof ApplicationFailure)
      ) {
        throw error;
      }
      throw toFailure(error);
    }
  };
}

/** For the orchestrator's queue: kept alive, and its errors classified. */
export const activity = <Input, Output>(
  work: (input: Input) => Promise<Output>,
): ((input: Input) => Promise<Output>) => classified(keptAlive(work));
