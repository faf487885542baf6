import { type ErrorCode, MurnauError } from '@murnau/domain';

/** Flat: the database is on this machine or near, and restarts in about a second. */
export const RETRY_DELAY_MS = 200;

const SYSTEM_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);
/** admin_shutdown, crash_shutdown, cannot_connect_now, too_many_connections; idle_in_transaction_session_timeout. */
const DATABASE_CODES = new Set(['57P01', '57P02', '57P03', '53300', '25P03']);
/** serialization_failure, deadlock_detected, lock_not_available: the transaction was undone whole. */
const UNDONE_CODES = new Set(['40001', '40P01', '55P03']);
const DISK_FULL = '53100';
/** data_exception, integrity_constraint_violation: the same values are refused each time. */
const REFUSED_CLASSES = new Set(['22', '23']);
const UNIQUE_VIOLATION = '23505';
const FOREIGN_KEY_VIOLATION = '23503';

/** No connection could be had, or it was lost. */
export function isConnectionError(error: unknown): boolean {
  const { code, message } = describe(error);
  if (code !== '') return SYSTEM_CODES.has(code) || DATABASE_CODES.has(code) || code.startsWith('08');
  return /connection terminated|connection timeout|timeout exceeded when trying to connect|not queryable/i.test(
    message,
  );
}

/** May succeed when done again; whether it may be *done* again is the caller's to know. */
export function isTransient(error: unknown): boolean {
  return isConnectionError(error) || UNDONE_CODES.has(describe(error).code);
}

/** @param error as the database threw it, or as it left this package */
export function isUniqueViolation(error: unknown, constraint: string): boolean {
  const thrown = error instanceof MurnauError ? error.cause : error;
  return (
    describe(thrown).code === UNIQUE_VIOLATION &&
    (thrown as { constraint?: string }).constraint === constraint
  );
}

/** What leaves this package is a MurnauError wherever the caller can do something about it. */
export function toStorageError(error: unknown): Error {
  if (error instanceof MurnauError) return error;
  if (describe(error).code === DISK_FULL) {
    return new MurnauError('storage.full', 'The disk of the database is full.', { cause: error });
  }
  const missing = missingRow(error);
  if (missing !== undefined) return missing;
  const { code, message } = describe(error);
  if (REFUSED_CLASSES.has(code.slice(0, 2)))
    return new MurnauError('storage.refused', `The database refuses it: ${message}`, { cause: error });
  if (!isTransient(error)) return error instanceof Error ? error : new Error(String(error));
  return new MurnauError('storage.unavailable', `The database does not answer: ${message}`, { cause: error });
}

/** By table: what a row may refer to that somebody else may just have removed. */
const referred: Readonly<Record<string, { code: ErrorCode; said: (id: string) => string }>> = {
  blobs: { code: 'blob.not_found', said: (hash) => `No file with the hash ${hash} is stored.` },
  datasets: { code: 'dataset.not_found', said: (id) => `There is no dataset ${id}.` },
  runs: { code: 'run.not_found', said: (id) => `There is no run ${id}.` },
  sweeps: { code: 'sweep.not_found', said: (id) => `There is no sweep ${id}.` },
  generations: { code: 'generation.not_found', said: (id) => `There is no generation ${id}.` },
};

/** What a row was to refer to is not there. */
function missingRow(error: unknown): MurnauError | undefined {
  if (describe(error).code !== FOREIGN_KEY_VIOLATION) return undefined;
  const { detail = '' } = error as { detail?: string };
  const [, given = '', table = ''] = /=\((\w+)\) is not present in table "(\w+)"/.exec(detail) ?? [];
  const kind = referred[table];
  return kind && new MurnauError(kind.code, kind.said(given), { given, cause: error });
}

function describe(error: unknown): { code: string; message: string } {
  if (error instanceof MurnauError || typeof error !== 'object' || error === null)
    return { code: '', message: '' };
  const { code, message } = error as { code?: unknown; message?: unknown };
  return { code: typeof code === 'string' ? code : '', message: typeof message === 'string' ? message : '' };
}
