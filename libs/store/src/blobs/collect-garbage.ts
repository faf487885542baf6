import { type Kysely, type RawBuilder, sql } from 'kysely';
import pLimit from 'p-limit';
import type { Connection } from '../database/connection.js';
import type { Database } from '../database/schema.js';
import type { BlobFiles } from './blob-files.js';

/** Blobs that one transaction looks at: its files are removed within the time that it may be idle. */
const CHUNK = 500;
/** Files that are removed at once. */
const FILES_AT_ONCE = 16;

/** Held by whoever reads files of an earlier moment, such as a backup: meanwhile nothing is collected. */
export const collectingLock = 'collecting files';

interface Garbage {
  hash: string;
  size_bytes: number;
  media_type: string;
  stored_at: Date;
}

/**
 * Removes blobs to which nothing refers and that are old enough, in one pass over the hashes.
 * @returns what was removed, and files that could not be: they are tried again by the next pass
 */
export async function removeUnreferenced(
  connection: Connection,
  files: BlobFiles,
  olderThanMs: number,
): Promise<{ removed: number; failed: number }> {
  const isUnreferenced = await connection.repeatable(unreferenced);
  const isGarbage = sql<boolean>`stored_at < now() - ${olderThanMs} * interval '1 millisecond' and ${isUnreferenced}`;
  const total = { removed: 0, failed: 0 };
  for (let after: string | null = ''; after !== null;) {
    const from: string = after;
    const chunk = await connection.repeatableTransaction(async (trx) => {
      const { rows: free } = await sql<{ isFree: boolean }>`
        select pg_try_advisory_xact_lock_shared(hashtextextended(${collectingLock}, 0)) as "isFree"`.execute(
        trx,
      );
      if (free[0]?.isFree !== true) return { last: null, removed: 0, failed: 0 };
      // What is locked gets no reference until the commit, and an upload of the same bytes waits.
      const { rows } = await sql<{ last: string | null; locked: string[] | null }>`
        with looked_at as materialized (
          select hash from blobs where hash > ${from} order by hash limit ${CHUNK}
        ), locked as (
          select hash from blobs where hash in (select hash from looked_at) and ${isGarbage} for update skip locked
        )
        select (select max(hash) from looked_at) as last, (select array_agg(hash) from locked) as locked`.execute(
        trx,
      );
      const { last = null, locked = null } = rows[0] ?? {};
      if (locked === null) return { last, removed: 0, failed: 0 };
      // Again: a reference, or a repeated upload, may have been committed before the lock.
      const { rows: gone } = await sql<Garbage>`
        delete from blobs where hash = any(${locked}) and ${isGarbage} returning *`.execute(trx);
      const kept = await removeFiles(files, gone);
      if (kept.length > 0) await trx.insertInto('blobs').values(kept).execute();
      return { last, removed: gone.length - kept.length, failed: kept.length };
    });
    total.removed += chunk.removed;
    total.failed += chunk.failed;
    after = chunk.last;
  }
  return total;
}

/** That no row refers to a blob, by any foreign key that there is; each has an index. */
async function unreferenced(db: Kysely<Database>): Promise<RawBuilder<boolean>> {
  const { rows } = await sql<{ table: string; column: string }>`
    select conrelid::regclass::text as table, attname as column
    from pg_constraint join pg_attribute on attrelid = conrelid and attnum = conkey[1]
    where contype = 'f' and confrelid = 'blobs'::regclass`.execute(db);
  const conditions = rows.map(
    ({ table, column }) =>
      sql`not exists (select from ${sql.table(table)} r where ${sql.ref(`r.${column}`)} = blobs.hash)`,
  );
  return sql.join<boolean>(conditions, sql` and `);
}

/** @returns those whose file could not be removed */
async function removeFiles(files: BlobFiles, blobs: readonly Garbage[]): Promise<Garbage[]> {
  const limit = pLimit(FILES_AT_ONCE);
  const kept: Garbage[] = [];
  await Promise.all(
    blobs.map((blob) => limit(() => files.remove(blob.hash).catch(() => void kept.push(blob)))),
  );
  return kept;
}
