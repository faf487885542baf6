import { createHash, randomBytes } from 'node:crypto';
import { MurnauError } from '@murnau/domain';
import type { Kysely, Transaction } from 'kysely';
import type { Connection } from './connection.js';
import { isUniqueViolation } from './failures.js';
import type { Database } from './schema.js';

/** A request that a client may repeat: the same key gives the same resource. */
export interface RepeatableRequest {
  owner: string;
  /** Kind of resource, e.g. `run`: keys of different kinds never meet. `edit`: a change of any of them. */
  scope: 'dataset' | 'run' | 'sweep' | 'generation' | 'embedding' | 'edit';
  /** Absent: each call creates another one. */
  key?: string | undefined;
  /** What was asked for: the same key with another request is refused. */
  request: unknown;
}

/** What a creation may be given by its caller. */
export interface Once {
  idempotencyKey?: string | undefined;
  /** What the caller was asked for, before it looked anything up for it. Default: what is created. */
  request?: unknown;
}

/**
 * Runs `create` with a fresh id in one transaction, at most once per key.
 * Without a key of the caller's, a random one makes the repetition after a lost connection safe.
 */
export async function createOnce(
  connection: Connection,
  { owner, scope, key = `auto-${newToken()}`, request }: RepeatableRequest,
  create: (trx: Transaction<Database>, id: string) => Promise<void>,
): Promise<string> {
  const requestHash = hashOf(request);
  for (;;) {
    const id = newId();
    try {
      const created = await connection.repeatableTransaction(async (trx) => {
        const inserted = await trx
          .insertInto('idempotency_keys')
          .values({ owner, scope, key, request_hash: requestHash, resource_id: id })
          .onConflict((conflict) => conflict.doNothing())
          .returning('resource_id')
          .executeTakeFirst();
        if (inserted === undefined) return earlierOf(trx, { owner, scope, key, request });
        await create(trx, id);
        return id;
      });
      // Undefined: what the key stood for was removed at this moment.
      if (created !== undefined) return created;
    } catch (error) {
      if (!isUniqueViolation(error, `${scope}s_pkey`)) throw error;
    }
  }
}

/**
 * What a request with this key was answered with. Whoever checks a request against what may change (whether a model is
 * served, whether a run has ended) looks here first: a repetition is answered as the first one was.
 * @returns undefined: none was
 * @throws `idempotency.mismatch`
 */
export function answeredWith(
  connection: Connection,
  request: RepeatableRequest,
): Promise<string | undefined> {
  return connection.repeatable((db) => earlierOf(db, request));
}

/** Puts down what a request was answered with whose work was done elsewhere. Without a key nothing is. */
export async function noteAnswer(
  connection: Connection,
  { owner, scope, key, request }: RepeatableRequest,
  resourceId: string,
): Promise<void> {
  if (key === undefined) return;
  const row = { owner, scope, key, request_hash: hashOf(request), resource_id: resourceId };
  await connection.repeatable((db) =>
    db
      .insertInto('idempotency_keys')
      .values(row)
      .onConflict((conflict) => conflict.doNothing())
      .execute(),
  );
}

async function earlierOf(
  db: Kysely<Database>,
  { owner, scope, key, request }: RepeatableRequest,
): Promise<string | undefined> {
  if (key === undefined) return undefined;
  const earlier = await db
    .selectFrom('idempotency_keys')
    .select(['request_hash', 'resource_id'])
    .where('owner', '=', owner)
    .where('scope', '=', scope)
    .where('key', '=', key)
    .executeTakeFirst();
  if (earlier === undefined || earlier.request_hash === hashOf(request)) return earlier?.resource_id;
  throw new MurnauError('idempotency.mismatch', 'This idempotency key was used for a different request.', {
    given: key,
  });
}

const hashOf = (request: unknown): string =>
  createHash('sha256').update(canonicalJson(request)).digest('hex');

/** 8 hexadecimal digits, never those of a number, as a table or a file would read them; a collision is met by trying again. */
export function newId(): string {
  const id = randomBytes(4).toString('hex');
  return Number.isNaN(Number(id)) ? id : newId();
}

export function newToken(): string {
  return randomBytes(12).toString('hex');
}

/** Equal values give equal text, whatever the order of their keys. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
