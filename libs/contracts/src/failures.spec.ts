import { errorRegistry, MurnauError } from '@murnau/domain';
import type { ErrorCode } from '@murnau/domain';
import { TimeoutFailure } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { fromFailure, toActivityFailure } from './failures.js';

describe('failures', () => {
  it.each(Object.keys(errorRegistry) as ErrorCode[])('%s goes to Temporal and back', (code) => {
    const error = new MurnauError(code, 'why', { field: 'spec.seed', given: '-1', allowed: '0 or more' });
    const failure = toActivityFailure(error);
    expect(failure.nonRetryable).toBe(!errorRegistry[code].retryable);
    expect(fromFailure(failure)).toMatchObject({
      code,
      message: 'why',
      field: 'spec.seed',
      given: '-1',
      allowed: '0 or more',
    });
  });

  it('takes a task that nobody took for an absent worker', () => {
    expect(fromFailure(new TimeoutFailure('late', undefined, 'SCHEDULE_TO_CLOSE')).code).toBe(
      'worker.unavailable',
    );
  });

  it('keeps a stranger’s message', () => {
    expect(fromFailure(toActivityFailure(new Error('broken')))).toMatchObject({
      code: 'internal',
      message: 'broken',
    });
  });
});
