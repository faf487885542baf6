import { errorRegistry, isErrorCode, MurnauError, toMurnauError } from '@murnau/domain';
import type { Failure } from '@murnau/domain';
import {
  ActivityFailure,
  ApplicationFailure,
  ChildWorkflowFailure,
  TimeoutFailure,
} from '@temporalio/common';

interface Details {
  readonly field: string | null;
  readonly given: string | null;
  readonly allowed: string | null;
}

/**
 * Domain error → what Temporal stores.
 * @param options.retryable absent: as the registry says
 * @param options.retryAfterMs absent: as the activity's options say
 */
export function toActivityFailure(
  error: unknown,
  { retryable, retryAfterMs }: { retryable?: boolean; retryAfterMs?: number } = {},
): ApplicationFailure {
  const known = toMurnauError(error);
  const details: Details = {
    field: known.field ?? null,
    given: known.given ?? null,
    allowed: known.allowed ?? null,
  };
  return ApplicationFailure.create({
    message: known.message,
    type: known.code,
    nonRetryable: !(retryable ?? known.kind.retryable),
    nextRetryDelay: retryAfterMs,
    details: [details],
    cause: known,
  });
}

/** What Temporal stored → domain error. */
export function fromFailure(error: unknown): MurnauError {
  if (error instanceof MurnauError) return error;
  if (error instanceof ApplicationFailure && error.type != null && isErrorCode(error.type)) {
    const details = error.details?.[0] as Details | undefined;
    return new MurnauError(error.type, error.message, {
      field: details?.field ?? undefined,
      given: details?.given ?? undefined,
      allowed: details?.allowed ?? undefined,
      cause: error,
    });
  }
  if (error instanceof TimeoutFailure) {
    return new MurnauError('worker.unavailable', 'No worker took the task in time.', { cause: error });
  }
  const isWrapper = error instanceof ActivityFailure || error instanceof ChildWorkflowFailure;
  if ((isWrapper || hasCause(error)) && error.cause !== undefined) return fromFailure(error.cause);
  return toMurnauError(error);
}

function hasCause(error: unknown): error is Error & { cause: unknown } {
  return error instanceof Error && error.name === 'WorkflowFailedError' && 'cause' in error;
}

/** Why a run, a sweep or a generation failed, as it crosses Temporal. */
export interface WorkflowFailure {
  readonly code: string;
  readonly message: string;
}

/** What an activity gave up with, in the words of the error registry. */
export function failureOf(error: unknown): WorkflowFailure {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure) return { code: cause.type ?? 'internal', message: cause.message };
  if (cause instanceof TimeoutFailure)
    return { code: 'worker.unavailable', message: 'No worker took the task in time.' };
  return { code: 'internal', message: cause instanceof Error ? cause.message : String(cause) };
}

/** As the store keeps it. Errors that the registry does not know keep their message. */
export function toStoredFailure({ code, message }: WorkflowFailure): Failure {
  const known = isErrorCode(code) ? code : 'internal';
  return { code: known, message, next_step: errorRegistry[known].nextStep };
}
