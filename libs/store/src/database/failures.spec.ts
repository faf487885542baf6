import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Kysely, sql } from 'kysely';
import { openTestStore, type TestStore } from '../test-store.js';
import { Connection } from './connection.js';
import type { Database } from './schema.js';

let test: TestStore;
let connection: Connection;
beforeAll(async () => {
  test = await openTestStore();
  connection = new Connection({ databaseUrl: test.databaseUrl, maxConnections: 1, patienceMs: 5_000 });
});
afterAll(async () => {
  await connection.close();
  await test.close();
});

/** Statements by their SQLSTATE: the database refuses the same values each time. */
const refused: Record<string, string> = {
  '22003': 'select 2147483648::int4',
  '22P02': `select 'half'::int`,
  '22P05': String.raw`select ('"\u0000"'::jsonb ->> 0)`,
  '22012': 'select 1 / 0',
  '23502': 'insert into blobs (hash) values (null)',
  '23503': `insert into embeddings (id, placeholder_token, model, num_vectors, step, source, owner, hash, run_id)
            select 'a', 'a', 'a', 1, 1, 'run', 'a', (select hash from blobs limit 1), 'no such run'`,
  '23505': `insert into blobs select * from blobs limit 1`,
};

describe('what the database refuses for good', () => {
  beforeAll(async () => {
    await test.blob('one');
  });

  it.each(Object.entries(refused))(
    'SQLSTATE %s is tried once, and not again by others',
    async (state, text) => {
      let tries = 0;
      const work = (db: Kysely<Database>) => {
        tries += 1;
        return sql.raw(text).execute(db);
      };
      const error: unknown = await connection.repeatableTransaction(work).catch((reason: unknown) => reason);
      expect(error).toMatchObject({
        code: 'storage.refused',
        kind: { retryable: false },
        cause: { code: state },
      });
      expect(tries).toBe(1);
    },
  );

  it('a transaction that was undone whole is done again', async () => {
    let tries = 0;
    await connection.repeatableTransaction(async (trx) => {
      tries += 1;
      if (tries === 1) await sql`do $$ begin raise sqlstate '40001'; end $$`.execute(trx);
    });
    expect(tries).toBe(2);
  });
});
