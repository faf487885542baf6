import {
  ActivityFailure,
  ApplicationFailure,
  proxyActivities,
  proxyLocalActivities,
  TimeoutFailure,
} from '@temporalio/workflow';
import type { ActivityOptions, LocalActivityOptions } from '@temporalio/workflow';

interface LocalThenQueued<Activities> {
  /** Of the attempt within the workflow's own task; there is one. */
  readonly local: Omit<LocalActivityOptions, 'retry' | 'summary'>;
  /** Of the attempts on the queue. */
  readonly queued: Omit<ActivityOptions, 'summary'>;
  /** What the Temporal UI says of each activity. */
  readonly summaries: Readonly<Record<keyof Activities, string>>;
}

type Call = (input: unknown) => Promise<unknown>;

/**
 * Activities that are tried once within the workflow's own task, which saves two round trips through the server. Each
 * may be repeated, so a task that is lost midway is simply done again. What does not succeed at once (the store is away)
 * goes to the queue, where it is retried.
 */
export function localThenQueued<Activities>({
  local,
  queued,
  summaries,
}: LocalThenQueued<Activities>): Activities {
  const names = Object.keys(summaries) as (keyof Activities & string)[];
  const callOf = (name: keyof Activities & string): Call => {
    const summary = summaries[name];
    const localCall = proxyLocalActivities<Record<string, Call>>({
      ...local,
      retry: { maximumAttempts: 1 },
      summary,
    })[name] as Call;
    const queuedCall = proxyActivities<Record<string, Call>>({ ...queued, summary })[name] as Call;
    return async (input) => {
      try {
        return await localCall(input);
      } catch (error) {
        if (isFinal(error)) throw error;
        return queuedCall(input);
      }
    };
  };
  return Object.fromEntries(names.map((name) => [name, callOf(name)])) as Activities;
}

/** A local attempt's failure comes without the wrapper that one of the queue has. */
function isFinal(error: unknown): boolean {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure) return cause.nonRetryable === true;
  return !(cause instanceof TimeoutFailure);
}
