import { activityInfo, heartbeat } from '@temporalio/activity';

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
