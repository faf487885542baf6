import type { GenerationActivities, RunActivities, SweepActivities } from '@murnau/contracts';
import {
  ActivityFailure,
  ApplicationFailure,
  proxyActivities,
  proxyLocalActivities,
} from '@temporalio/workflow';
import { bookkeepingOptions, nearOptions } from './retry.js';

export type BookkeepingActivities = SweepActivities & RunActivities & GenerationActivities;
type Name = keyof BookkeepingActivities;
type Call = (input: unknown) => Promise<unknown>;

/** What the Temporal UI says of each. */
const summaries: Readonly<Record<Name, string>> = {
  decideNext: 'what the run does next',
  finishRun: 'the run has a result',
  waitRun: 'the run waits at a rung',
  pauseRun: 'the run is paused',
  editRun: 'somebody changes the run',
  failRun: 'the run has failed',
  cancelRun: 'the run is cancelled',
  decideSweep: 'which trials start, go on or end',
  markTrialsStarted: 'trials have started',
  isSweepTold: 'whether the sweep hears of the end',
  lookAgain: 'trials are to look again',
  editSweep: 'somebody changes the sweep',
  cancelTrials: 'trials are cancelled',
  endSweep: 'the sweep ends',
  endGeneration: 'the pictures are given up',
};

const durable = (name: Name): Call =>
  proxyActivities<BookkeepingActivities>({ ...bookkeepingOptions, summary: summaries[name] })[name] as Call;
const near = (name: Name): Call =>
  proxyLocalActivities<BookkeepingActivities>({ ...nearOptions, summary: summaries[name] })[name] as Call;

/**
 * Decisions and notes made within the workflow's own task: two round trips through the server fewer for each. Every one
 * may be repeated, so a task that is lost midway is simply done again. What does not come at once (the store is away)
 * is left to the durable queue, which tries without end.
 */
export const nearBooks = booksOf((name) => {
  const [nearCall, durableCall] = [near(name), durable(name)];
  return async (input) => {
    try {
      return await nearCall(input);
    } catch (error) {
      if (isFinal(error)) throw error;
      return durableCall(input);
    }
  };
});

/** Through the queue: for what somebody asks, and for workflows that began before there were near ones. */
export const durableBooks = booksOf(durable);

function booksOf(callOf: (name: Name) => Call): BookkeepingActivities {
  const entries = (Object.keys(summaries) as Name[]).map((name) => [name, callOf(name)]);
  return Object.fromEntries(entries) as BookkeepingActivities;
}

function isFinal(error: unknown): boolean {
  if (!(error instanceof ActivityFailure)) return true;
  const { cause } = error;
  return cause instanceof ApplicationFailure && cause.nonRetryable === true;
}
