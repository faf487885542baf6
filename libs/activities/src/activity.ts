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

/** Tries of what fails for an unknown reason, by this process: what failed for a known one is none of them. */
const mostInternalTries = 5;
const firstRetryMs = 200;
const longestRetryMs = 30_000;
/** Activities whose tries are remembered: those that went on elsewhere are forgotten some time. */
const mostRemembered = 10_000;
const internalTries = new Map<string, number>();

/** Time before the next try of what has failed this many times: twice that of the one before. */
export const retryDelayMs = (failures: number): number =>
  Math.min(longestRetryMs, firstRetryMs * 2 ** (failures - 1));

function countTry(key: string): number {
  const tries = (internalTries.get(key) ?? 0) + 1;
  internalTries.delete(key);
  if (tries < mostInternalTries) internalTries.set(key, tries);
  const [oldest] = internalTries.keys();
  if (internalTries.size > mostRemembered && oldest !== undefined) internalTries.delete(oldest);
  return tries;
}

/** Known errors are retried as the registry says; an unknown one may be passing, or a mistake in the code. */
function toFailure(error: unknown): ApplicationFailure {
  const { code } = toMurnauError(error);
  if (code !== 'internal') return toActivityFailure(error);
  const { isLocal, workflowExecution, activityId } = activityInfo();
  if (isLocal) return toActivityFailure(error);
  const tries = countTry(`${workflowExecution?.runId} ${activityId}`);
  return toActivityFailure(error, {
    retryable: tries < mostInternalTries,
    retryAfterMs: retryDelayMs(tries),
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
