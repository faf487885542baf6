import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createStore } from '../create-store.js';
import { openTestStore, type TestStore } from '../test-store.js';

let test: TestStore;
beforeAll(async () => {
  test = await openTestStore();
});
afterAll(() => test.close());

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe('blobs', () => {
  it('gives back what was put, by its hash, once', async () => {
    const bytes = Buffer.from('state of a run');
    const stored = await test.store.blobs.put(bytes, 'application/octet-stream');
    expect(stored).toEqual({ hash: sha256(bytes), size_bytes: 14, media_type: 'application/octet-stream' });
    expect(await test.store.blobs.put(bytes, 'application/octet-stream')).toEqual(stored);
    expect(await test.store.blobs.get(stored.hash)).toEqual(bytes);
    expect(await test.store.blobs.describe(stored.hash)).toEqual(stored);
    expect(readdirSync(join(test.blobDir, 'tmp'))).toEqual([]);
  });

  it('takes streams, and gives whole ones and ranges', async () => {
    const chunks = [Buffer.alloc(100_000, 1), Buffer.alloc(50_000, 2)];
    const { hash, size_bytes } = await test.store.blobs.put(
      (async function* () {
        yield* chunks;
      })(),
      'image/png',
    );
    expect([hash, size_bytes]).toEqual([sha256(Buffer.concat(chunks)), 150_000]);
    expect(await buffer(await test.store.blobs.stream(hash))).toEqual(Buffer.concat(chunks));
    expect(await buffer(await test.store.blobs.stream(hash, { start: 99_999, end: 100_000 }))).toEqual(
      Buffer.from([1, 2]),
    );
  });

  it('stores many at once, equal ones too, in the order given', async () => {
    const names = ['a', 'b', 'a', ''];
    const stored = await test.store.blobs.putMany(
      names.map((name) => ({ content: Buffer.from(name), media_type: 'text/plain' })),
    );
    expect(stored.map(({ hash }) => hash)).toEqual(names.map((name) => sha256(Buffer.from(name))));
  });

  it('knows which it has, and that a file went missing', async () => {
    const [kept, lost] = [await test.blob('kept'), await test.blob('lost')];
    rmSync(test.store.blobs.path(lost));
    expect(await test.store.blobs.has([kept, lost, 'f'.repeat(64)])).toEqual(new Set([kept]));
    expect(await test.blob('lost')).toBe(lost);
    expect(await test.store.blobs.has([lost])).toEqual(new Set([lost]));
  });

  it('detects a file that rotted, and mends a truncated one by putting it again', async () => {
    const hash = await test.blob('twelve bytes');
    writeFileSync(test.store.blobs.path(hash), 'twelve BYTES');
    await expect(test.store.blobs.get(hash)).rejects.toMatchObject({ code: 'blob.corrupt' });
    writeFileSync(test.store.blobs.path(hash), 'twelve');
    await test.blob('twelve bytes');
    expect((await test.store.blobs.get(hash)).toString()).toBe('twelve bytes');
  });

  it.each(['f'.repeat(64), '../../etc/passwd', ''])('says that %o is not stored', async (hash) => {
    const missing = { code: 'blob.not_found' };
    await expect((async () => test.store.blobs.get(hash))()).rejects.toMatchObject(missing);
    await expect((async () => test.store.blobs.stream(hash))()).rejects.toMatchObject(missing);
    await expect(test.store.blobs.describe(hash)).rejects.toMatchObject(missing);
  });

  it('leaves nothing of an upload that breaks off', async () => {
    const upload = async function* () {
      yield Buffer.from('half');
      throw new Error('the client went away');
    };
    await expect(test.store.blobs.put(upload(), 'image/png')).rejects.toThrow('the client went away');
    expect(readdirSync(join(test.blobDir, 'tmp'))).toEqual([]);
  });
});

describe('garbage', () => {
  it('is what nothing refers to, old enough; the rest stays', async () => {
    const id = await test.newRun();
    const { epoch } = await test.store.runs.claim(id, { chain: 0, segment: 0, attempt: 1 }, 'worker');
    for (const step of [1, 2, 3]) {
      const hash = await test.blob(`checkpoint ${step}`);
      await test.store.runs.recordProgress(id, epoch, {
        checkpoint: { step, state_hash: hash, embedding_hash: hash },
      });
    }
    const abandoned = await test.blob('abandoned');
    await test.store.blobs.collectGarbage();
    expect(await test.store.blobs.has([abandoned])).toEqual(new Set([abandoned]));

    await test.store.blobs.collectGarbage(0);
    const newest = await test.blob('checkpoint 3');
    expect(await test.store.blobs.has([abandoned, newest, await hashOf('checkpoint 1')])).toEqual(
      new Set([newest]),
    );
  });

  it('never takes the file from under an upload of the same bytes', async () => {
    for (let round = 0; round < 20; round += 1) {
      const bytes = Buffer.from(`contended ${round % 2}`);
      const [{ hash }] = await Promise.all([
        test.store.blobs.put(bytes, 'text/plain'),
        test.store.blobs.collectGarbage(0),
      ]);
      const isThere = (await test.store.blobs.has([hash])).has(hash);
      const [row] = await test.query('select 1 from blobs where hash = $1', [hash]);
      expect(isThere).toBe(row !== undefined);
    }
  });
});

describe('garbage among 20,000 blobs', () => {
  let own: TestStore;
  beforeAll(async () => {
    own = await openTestStore();
    const dataset = await own.newDataset();
    await own.query(
      `insert into blobs select encode(sha256(number::text::bytea), 'hex'), 1, 'text/plain', now() - interval '1 day'
       from generate_series(1, 20000) number`,
    );
    await own.query(
      `insert into dataset_images select $1, 1000 + row_number() over (), hash, 'x', 64, 64
       from blobs where stored_at < now() - interval '1 hour' and hash > '2'`,
      [dataset],
    );
  });
  afterAll(() => own.close());

  it('is found by one look at each', async () => {
    const garbage = `select 1 from blobs where stored_at < now() - interval '1 hour' and hash <= '2'`;
    const wanted = (await own.query(garbage)).length;
    const query = vi.spyOn(pg.Client.prototype, 'query');
    const { removed } = await own.store.blobs.collectGarbage();
    const texts = query.mock.calls.map(([text]) => JSON.stringify(text));
    query.mockRestore();
    expect(removed).toBe(wanted);
    expect(await own.query(garbage)).toEqual([]);
    const [left] = await own.query<{ count: number }>('select count(*)::int as count from blobs');
    expect(left?.count).toBe(20_001 - wanted);
    // Forty-one chunks, of which an eighth have garbage, and the end.
    expect(texts.filter((text) => text.includes('looked_at')).length).toBeLessThanOrEqual(42);
    expect(texts.filter((text) => text.includes('delete from blobs')).length).toBeLessThanOrEqual(8);
  });

  it('goes on past a file that cannot be removed, and tries it again', async () => {
    const stuck = await own.blob('stuck');
    const other = await own.blob('other');
    const path = own.store.blobs.path(stuck);
    rmSync(path);
    mkdirSync(path); // no file: it cannot be unlinked
    await own.query(`update blobs set stored_at = now() - interval '1 day' where hash in ($1, $2)`, [
      stuck,
      other,
    ]);
    expect(await own.store.blobs.collectGarbage()).toEqual({ removed: 1, failed: 1 });
    expect(await own.store.blobs.collectGarbage()).toEqual({ removed: 0, failed: 1 });
    rmSync(path, { recursive: true });
    expect(await own.store.blobs.collectGarbage()).toEqual({ removed: 1, failed: 0 });
  });

  it('is looked for by an index of each column that refers to a blob', async () => {
    const columns = await own.query<{ name: string; is_indexed: boolean }>(
      `select conrelid::regclass || '.' || attname as name,
              exists (select from pg_index where indrelid = conrelid and indkey[0] = attnum) as is_indexed
       from pg_constraint join pg_attribute on attrelid = conrelid and attnum = conkey[1]
       where contype = 'f' and confrelid = 'blobs'::regclass`,
    );
    expect(columns.length).toBeGreaterThanOrEqual(9);
    expect(columns.filter(({ is_indexed }) => !is_indexed)).toEqual([]);
  });

  it('is not what a new row came to refer to after it was found', async () => {
    const hash = await own.blob('wanted after all');
    await own.query(`update blobs set stored_at = now() - interval '1 day' where hash = $1`, [hash]);
    const creation = new pg.Client({ connectionString: own.databaseUrl });
    await creation.connect();
    await creation.query('begin');
    await creation.query(`insert into dataset_images select id, 999, $1, 'x', 64, 64 from datasets limit 1`, [
      hash,
    ]);
    expect(await own.store.blobs.collectGarbage()).toEqual({ removed: 0, failed: 0 });
    await creation.query('commit');
    await creation.end();
    expect(await own.store.blobs.collectGarbage()).toEqual({ removed: 0, failed: 0 });
  });
});

const hashOf = (text: string) => Promise.resolve(sha256(Buffer.from(text)));

/** A file system of one megabyte, where this process may mount one. */
function mountSmallDisk(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'murnau-small-disk-'));
  mkdirSync(folder, { recursive: true });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], { stdio: 'ignore' });
    return folder;
  } catch {
    rmSync(folder, { recursive: true, force: true });
    return undefined;
  }
}

const smallDisk = mountSmallDisk();
afterAll(() => {
  if (smallDisk === undefined) return;
  execFileSync('umount', [smallDisk]);
  rmSync(smallDisk, { recursive: true, force: true });
});

describe.skipIf(smallDisk === undefined)('a full disk', () => {
  it('is said clearly, leaves no part of a file, and is over when there is room', async () => {
    const store = createStore({ databaseUrl: test.databaseUrl, blobDir: smallDisk! });
    try {
      await expect(store.blobs.put(Buffer.alloc(2_000_000), 'image/png')).rejects.toMatchObject({
        code: 'storage.full',
      });
      expect(readdirSync(join(smallDisk!, 'tmp'))).toEqual([]);
      const { hash } = await store.blobs.put(Buffer.alloc(200_000), 'image/png');
      expect(await store.blobs.get(hash)).toHaveLength(200_000);
    } finally {
      await store.close();
    }
  });
});
