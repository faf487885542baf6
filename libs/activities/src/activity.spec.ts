import { MurnauError } from '@murnau/domain';
import { MockActivityEnvironment } from '@temporalio/testing';
import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { activity } from './activity.js';

async function failureOf(
  error: Error,
  info: { attempt: number; isLocal?: boolean },
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
    for (const [attempt, nextRetryDelay] of [
      [1, 200],
      [2, 400],
      [4, 1_600],
    ] as const) {
      expect(await failureOf(unforeseen, { attempt })).toMatchObject({ nonRetryable: false, nextRetryDelay });
    }
    expect(await failureOf(unforeseen, { attempt: 5 })).toMatchObject({
      nonRetryable: true,
      type: 'internal',
      message: 'undefined is not a function',
    });
  });

  it('goes on to the queue where it was tried in the workflow’s own task', async () => {
    expect(await failureOf(new Error('odd'), { attempt: 9, isLocal: true })).toMatchObject({
      nonRetryable: false,
    });
  });
});
