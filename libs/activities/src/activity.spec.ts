import { MurnauError } from '@murnau/domain';
import { MockActivityEnvironment } from '@temporalio/testing';
import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { activity, retryDelayMs } from './activity.js';

async function failureOf(
  error: Error,
  info: { attempt: number; isLocal?: boolean; activityId?: string },
): Promise<ApplicationFailure> {
  const environment = new MockActivityEnvironment(info);
  const thrown: unknown = await environment
    .run(
      activity(() => Promise.reject(error)),
      undefined,
    )
    .catch((reason: unknown) => reason);
  if (!(thrown instanceof ApplicationFailure)) throw new Error(`not a failure: ${String(thrown)}`);
  return thrown;
}

describe('what an activity throws', () => {
  it('is retried as the registry says', async () => {
    const away = new MurnauError('storage.unavailable', 'away');
    expect(await failureOf(away, { attempt: 1_000 })).toMatchObject({ nonRetryable: false, type: away.code });
    const wrong = new MurnauError('spec.invalid', 'wrong');
    expect(await failureOf(wrong, { attempt: 1 })).toMatchObject({ nonRetryable: true, type: wrong.code });
  });

  it('is tried five times where the reason is unknown, each after twice the time of the one before', async () => {
    const unforeseen = new TypeError('undefined is not a function');
    // Attempts that failed for a known reason, such as a worker that was full, are no tries.
    for (const [attempt, nextRetryDelay] of [
      [7, 200],
      [8, 400],
      [12, 800],
      [13, 1_600],
    ] as const) {
      const info = { attempt, activityId: 'one' };
      expect(await failureOf(unforeseen, info)).toMatchObject({ nonRetryable: false, nextRetryDelay });
      expect(await failureOf(new MurnauError('worker.unavailable', 'full'), info)).toMatchObject({
        nonRetryable: false,
      });
    }
    expect(await failureOf(unforeseen, { attempt: 14, activityId: 'one' })).toMatchObject({
      nonRetryable: true,
      type: 'internal',
      message: 'undefined is not a function',
    });
    expect(await failureOf(unforeseen, { attempt: 1, activityId: 'another' })).toMatchObject({
      nonRetryable: false,
      nextRetryDelay: 200,
    });
  });

  it('waits no longer than half a minute', () => {
    expect(retryDelayMs(1)).toBe(200);
    expect(retryDelayMs(50)).toBe(30_000);
  });

  it('goes on to the queue where it was tried in the workflow’s own task', async () => {
    expect(await failureOf(new Error('odd'), { attempt: 9, isLocal: true })).toMatchObject({
      nonRetryable: false,
    });
  });
});
