import { type ErrorCode, MurnauError, type Problem, toMurnauError } from '@murnau/domain';

/** What Fastify itself throws: an unreadable or too large body, a wrong content type, a malformed address. */
interface FrameworkError extends Error {
  code: string;
  statusCode: number;
}

const isFrameworkError = (error: unknown): error is FrameworkError =>
  error instanceof Error &&
  'code' in error &&
  typeof error.code === 'string' &&
  error.code.startsWith('FST_') &&
  'statusCode' in error &&
  typeof error.statusCode === 'number' &&
  error.statusCode < 500;

const frameworkCodes: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'request.too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'request.media_type',
};

/** The one place where anything thrown becomes an error of the registry. */
export function toApiError(error: unknown): MurnauError {
  if (!isFrameworkError(error)) return toMurnauError(error);
  const code = frameworkCodes[error.code] ?? 'request.invalid';
  const message = code === 'request.too_large' ? 'The body is too large.' : error.message;
  const field = error.code.startsWith('FST_ERR_CTP_') ? 'body' : 'path';
  return new MurnauError(code, message, { field, cause: error });
}

/** RFC 9457. What went wrong inside stays in the log, found by the request's id. */
export function toProblem(error: MurnauError, requestId: string): Problem {
  const { httpStatus, nextStep } = error.kind;
  const optional = { field: error.field, given: error.given, allowed: error.allowed };
  return {
    type: `urn:murnau:error:${error.code}`,
    title: error.code.replace(/[._]/g, ' '),
    status: httpStatus,
    detail:
      error.code === 'internal'
        ? `Something went wrong inside; the log of the api has it under request ${requestId}.`
        : error.message,
    code: error.code,
    next_step: nextStep,
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
  };
}
