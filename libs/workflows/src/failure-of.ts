import type { RunFailure } from '@murnau/activities';
import { ActivityFailure, ApplicationFailure, TimeoutFailure } from '@temporalio/workflow';

/** What an activity gave up with, in the words of the error registry. */
export function failureOf(error: unknown): RunFailure {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure) return { code: cause.type ?? 'internal', message: cause.message };
  if (cause instanceof TimeoutFailure)
    return { code: 'worker.unavailable', message: 'No worker took the task in time.' };
  return { code: 'internal', message: cause instanceof Error ? cause.message : String(cause) };
}
