import type { BookkeepingActivities } from '@murnau/activities';
import {
  ActivityFailure,
  ApplicationFailure,
  proxyActivities,
  proxyLocalActivities,
} from '@temporalio/workflow';
import { bookkeepingOptions, nearOptions } from './retry.js';

const durable = proxyActivities<BookkeepingActivities>(bookkeepingOptions);
const near = proxyLocalActivities<BookkeepingActivities>(nearOptions);

type Name = keyof BookkeepingActivities;
type Call = (input: unknown) => Promise<unknown>;

/**
 * Decisions and notes made within the workflow's own task: two round trips through the server fewer for each. Every one
 * may be repeated, so a task that is lost midway is simply done again. What does not come at once (the store is away)
 * is left to the durable queue, which tries without end.
 */
export const nearBooks = new Proxy({} as BookkeepingActivities, {
  get: (_, name: Name) => async (input: unknown) => {
    try {
      return await (near[name] as Call)(input);
    } catch (error) {
      if (isFinal(error)) throw error;
      return (durable[name] as Call)(input);
    }
  },
});

/** For workflows that began before there were near ones. */
export const durableBooks: BookkeepingActivities = durable;

function isFinal(error: unknown): boolean {
  if (!(error instanceof ActivityFailure)) return true;
  const { cause } = error;
  return cause instanceof ApplicationFailure && cause.nonRetryable === true;
}
