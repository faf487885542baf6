// Waiting for the moment in which a fault is to strike.
import { setTimeout as sleep } from 'node:timers/promises';
import { checkpointEverySteps, evalEverySteps } from './sweeps.mjs';

const longestWaitMs = 10_000;
const pollMs = 10;

/**
 * @param {import('./books.mjs').Books} books
 * @param {string} moment
 * @param {string | undefined} worker whose runs count; undefined: any
 */
function isNow(books, moment, worker) {
  const runs = worker === undefined ? books.running : books.of(worker);
  if (moment === 'step') return runs.length > 0;
  if (moment === 'checkpoint') {
    return runs.some(({ step }) => step % checkpointEverySteps === checkpointEverySteps - 1);
  }
  // Pictures are drawn and sent after the metrics of their step, before its checkpoint.
  if (moment === 'sample') {
    return runs.some(({ step, certified_step: stored }) => step % evalEverySteps === 0 && stored < step);
  }
  return performance.now() - (books.seen.get(moment) ?? -Infinity) < 100;
}

/**
 * Returns the moment that was met: the one asked for, or `step` where it did not come.
 * @param {import('./books.mjs').Books} books
 * @param {string} moment
 * @param {string | undefined} worker
 */
export async function untilMoment(books, moment, worker) {
  const deadline = performance.now() + longestWaitMs;
  while (performance.now() < deadline) {
    if (isNow(books, moment, worker)) return moment;
    await sleep(pollMs);
  }
  return 'step';
}
