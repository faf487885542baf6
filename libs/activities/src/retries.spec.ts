import { errorRegistry, MurnauError } from '@murnau/domain';
import type { ErrorCode } from '@murnau/domain';
import { MockActivityEnvironment } from '@temporalio/testing';
import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { activity } from './activity.js';
import { onWorker } from './on-worker.js';
import { restartPolicy } from './training-run/segment/restart-policy.js';

/**
 * Every error × every caller: nothing is tried for ever but what passes by itself. The workflows' proxies set no number
 * of attempts: what an activity throws decides.
 */

/** Causes that end without a change of the work: somebody, or the supervisor, brings back what is away. */
const passing: readonly ErrorCode[] = [
  'worker.lost',
  'worker.unavailable',
  'advisor.unavailable',
  'temporal.unavailable',
  'storage.full',
  'storage.unavailable',
  'server.busy',
  'server.unreachable',
];
const codes = Object.keys(errorRegistry) as ErrorCode[];
const most = 20;

type Caller = (work: () => Promise<unknown>) => (input: undefined) => Promise<unknown>;
const callers: Record<string, Caller> = {
  'of the orchestrator': (work) => activity<undefined, unknown>(work),
  'of a worker (drawing, words, files)': (work) =>
    onWorker<undefined, unknown>({ isHealthy: () => true, onSuspect: () => undefined }, work),
};

/** @returns tries until it is given up; undefined: it is tried for ever */
async function triesOf(caller: Caller, code: ErrorCode): Promise<number | undefined> {
  const failing = caller(() => Promise.reject(new MurnauError(code, 'again')));
  const activityId = `${code} ${Math.random()}`;
  for (let attempt = 1; attempt <= most; attempt += 1) {
    const environment = new MockActivityEnvironment({ attempt, activityId });
    const thrown: unknown = await environment.run(failing, undefined).catch((reason: unknown) => reason);
    if (!(thrown instanceof ApplicationFailure)) throw new Error(`not a failure: ${String(thrown)}`);
    if (thrown.nonRetryable === true) return attempt;
  }
  return undefined;
}

describe.each(Object.entries(callers))('an activity %s', (_, caller) => {
  it.each(codes)(
    'that fails with %s is tried a bounded number of times, or passes by itself',
    async (code) => {
      const tries = await triesOf(caller, code);
      if (passing.includes(code)) expect(tries).toBeUndefined();
      else expect(tries).toBe(code === 'internal' ? 5 : 1);
    },
  );
});

describe('a segment', () => {
  it.each(codes)('that fails with %s is tried a bounded number of times, or passes by itself', (code) => {
    for (const shared of [false, true]) {
      const { kind } = restartPolicy({ code, shared, died: false });
      // Counted ones end with `max_restarts`; another attempt has a fenced one.
      if (kind === 'free') expect(passing).toContain(code);
    }
  });
});
