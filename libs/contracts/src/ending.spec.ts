import { ActivityFailure, ApplicationFailure, TimeoutFailure } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { toStoredEnd } from './ending.js';
import { failureOf } from './failures.js';

describe('an end', () => {
  it('is stored with its reason and what to do next', () => {
    const asked = { by: 'ann', why: 'enough' };
    expect(toStoredEnd('sweep', { kind: 'cancelled', by: 'ann', asked })).toEqual({
      phase: 'cancelled',
      failure: {
        code: 'sweep.cancelled',
        message: 'Cancelled by ann.',
        next_step: 'Start the sweep again if this was not wanted.',
      },
      asked,
    });
    const failure = { code: 'run.diverged', message: 'no number' };
    expect(toStoredEnd('run', { kind: 'failed', failure })).toMatchObject({ phase: 'failed', failure });
    const strange = { code: 'never.heard.of', message: 'odd' };
    expect(toStoredEnd('run', { kind: 'failed', failure: strange })).toMatchObject({
      failure: { code: 'internal', message: 'odd' },
    });
  });

  it('has the reason of the activity that failed, local or not', () => {
    const reason = ApplicationFailure.create({ type: 'run.diverged', message: 'no number' });
    const wrapped = new ActivityFailure(
      'failed',
      'trainSegment',
      '1',
      'NON_RETRYABLE_FAILURE',
      'host',
      reason,
    );
    for (const error of [reason, wrapped]) {
      expect(failureOf(error)).toEqual({ code: 'run.diverged', message: 'no number' });
    }
    const late = new TimeoutFailure('late', undefined, 'SCHEDULE_TO_CLOSE');
    expect(failureOf(late)).toMatchObject({ code: 'worker.unavailable' });
    expect(failureOf(new TypeError('odd'))).toEqual({ code: 'internal', message: 'odd' });
  });
});
