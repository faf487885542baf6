import { createHash, randomBytes } from 'node:crypto';
import { MurnauError } from '@murnau/domain';
import type { Transaction } from 'kysely';
import type { Connection } from './connection.js';
import { isUniqueViolation } from './failures.js';
import type { Database } from './schema.js';

/** A creation that a client may repeat: the same key gives the same resource. */
interface IdempotentCreation {
  owner: string;
  /** Kind of resource, e.g. `run`: keys of different kinds never meet. */
  scope: 'dataset' | 'run' | 'sweep' | 'generation' | 'embedding';
  /** Absent: each call creates another one. */
  key?: string | undefined;
  /** What was asked for: the same key with another request is refused. */
  request: unknown;
}

/**
 * Runs `create` with a fresh id in one transaction, at most once per key.
 * Without a key of the caller's, a random one makes the repetition after a lost connection safe.
 */
export async function createOnce(
  connection: Connection,
  { owner, scope, key = `auto-${newToken()}`, request }: IdempotentCreation,
  create: (trx: Transaction<Database>, id: string) => Promise<void>,
): Promise<string> {
  const requestHash = createHash('sha256').update(canonicalJson(request)).digest('hex');
  for (;;) {
    const id = newId();
    try {
      return await connection.repeatableTransaction(async (trx) => {
        const inserted = await trx
          .insertInto('idempotency_keys')
          .values({ owner, scope, key, request_hash: requestHash, resource_id: id })
          .onConflict((conflict) => conflict.doNothing())
          .returning('resource_id')
          .executeTakeFirst();
        if (inserted === undefined) return findCreated(trx, { owner, scope, key, requestHash });
        await create(trx, id);
        return id;
      });
    } catch (error) {
      if (!isUniqueViolation(error, `${scope}s_pkey`)) throw error;
    }
  }
}

async function findCreated(
  trx: Transaction<Database>,
  { owner, scope, key, requestHash }: { owner: string; scope: string; key: string; requestHash: string },
): Promise<string> {
  const earlier = await trx
    .selectFrom('idempotency_keys')
    .select(['request_hash', 'resource_id'])
    .where('owner', '=', owner)
    .where('scope', '=', scope)
    .where('key', '=', key)
    .executeTakeFirstOrThrow();
  if (earlier.request_hash === requestHash) return earlier.resource_id;
  throw new MurnauError('idempotency.mismatch', 'This idempotency key was used for a different request.', {
    given: key,
  });
}

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
