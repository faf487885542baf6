import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createStore, type Store } from '../create-store.js';
import { startPrivateTestPostgres } from '../postgres/test-postgres.js';
import { openTestStore, type TestStore } from '../test-store.js';
import type { EventRecord } from './event-records.js';

let test: TestStore;
beforeAll(async () => {
  test = await openTestStore();
});
afterAll(() => test.close());

const closings: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closings.splice(0).reverse()) await close();
});

const settled = { timeout: 10_000, interval: 20 };
const insert = `insert into events (kind, data) values ($1, '{}')`;

async function connect(databaseUrl = test.databaseUrl): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  closings.push(() => client.end());
  return client;
}

function storeOf(databaseUrl: string): Store {
  const store = createStore({ databaseUrl, blobDir: test.blobDir });
  closings.push(() => store.close());
  return store;
}

/** What a subscriber gets after the id, as it comes. */
async function follow(store: Store, after?: string): Promise<EventRecord[]> {
  const seen: EventRecord[] = [];
  closings.push(await store.events.subscribe({}, (event) => void seen.push(event), after));
  return seen;
}

const kinds = (events: readonly EventRecord[]) => events.map(({ kind }) => kind);
const endOf = async (store: Store) => (await store.events.newest({}, 1))[0]?.id ?? '0';

describe('the order of events', () => {
  it('is that of becoming visible: what commits later comes after, and nothing waits for it', async () => {
    const after = await endOf(test.store);
    const slow = await connect();
    await slow.query('begin');
    await slow.query(insert, ['slow']);
    await test.store.events.record({ kind: 'fast' });
    const seen = await follow(test.store, after);
    await vi.waitFor(() => expect(kinds(seen)).toEqual(['fast']), settled);
    expect(kinds(await test.store.events.list({}, { after }))).toEqual(['fast']);
    await slow.query('commit');
    await vi.waitFor(() => expect(kinds(seen)).toEqual(['fast', 'slow']), settled);
    expect(await test.store.events.list({}, { after })).toEqual(seen);
    expect((await test.store.events.newest({}, 2)).map(({ id }) => id)).toEqual(seen.map(({ id }) => id));
  });

  it('is not held back by a long transaction that has written elsewhere', async () => {
    const long = await connect();
    await long.query('begin isolation level repeatable read');
    await long.query(`insert into blobs values ('of a long transaction', 1, 'text/plain')`);
    const seen = await follow(test.store);
    await test.store.events.record({ kind: 'meanwhile' });
    await vi.waitFor(() => expect(kinds(seen)).toEqual(['meanwhile']), settled);
    await long.query('rollback');
  });

  it('does not wait for events that an open transaction is about to delete', async () => {
    const after = await endOf(test.store);
    await test.store.events.record({ kind: 'undone' });
    const claim = await connect();
    await claim.query('begin');
    await claim.query(`delete from events where kind = 'undone'`);
    await test.store.events.record({ kind: 'kept' });
    expect(kinds(await test.store.events.list({}, { after }))).toEqual(['kept']);
    await claim.query('rollback');
    expect(kinds(await test.store.events.list({}, { after }))).toEqual(['kept', 'undone']);
  });

  it('never gives a place again, so that a reader of deleted events misses none', async () => {
    const own = await openTestStore();
    closings.push(() => own.close());
    await own.store.events.record({ kind: 'first' });
    // One that was given a place before the clock was put back by an hour, and has been deleted since.
    const deleted = String(Number(await endOf(own.store)) + 3_600_000_000);
    await own.query(`select setval('event_places', $1)`, [deleted]);
    await own.store.events.record({ kind: 'next' });
    expect(kinds(await own.store.events.list({}, { after: deleted }))).toEqual(['next']);
  });

  it('takes an id behind the newest event for now', async () => {
    const seen = await follow(test.store, '9999999999999999');
    await test.store.events.record({ kind: 'behind' });
    await vi.waitFor(() => expect(kinds(seen)).toEqual(['behind']), settled);
  });

  it(
    'is the same for every process, each event once, whatever writers do',
    { timeout: 120_000 },
    async () => {
      const transaction = fc.record({
        events: fc.integer({ min: 1, max: 4 }),
        openMs: fc.nat(15),
        isUndone: fc.boolean(),
      });
      const others = [storeOf(test.databaseUrl), storeOf(test.databaseUrl)];
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(transaction, { maxLength: 6 }), { minLength: 1, maxLength: 6 }),
          async (writers) => {
            const after = await endOf(test.store);
            const seen = await Promise.all(others.map((store) => follow(store, after)));
            let written = 0;
            const writing = writers.map(async (transactions) => {
              const client = await connect();
              for (const { events, openMs, isUndone } of transactions) {
                await client.query('begin');
                for (let event = 0; event < events; event += 1) await client.query(insert, ['written']);
                await sleep(openMs);
                await client.query(isUndone ? 'rollback' : 'commit');
                if (!isUndone) written += events;
              }
            });
            await sleep(10);
            seen.push(await follow(others[0]!, after));
            await Promise.all(writing);
            await test.store.events.record({ kind: 'end' });
            for (const events of seen) {
              await vi.waitFor(() => expect(kinds(events)).toContain('end'), settled);
            }
            const stored = await test.store.events.list({}, { after, limit: 10_000 });
            expect(stored).toHaveLength(written + 1);
            for (const events of seen) expect(events).toEqual(stored);
            for (const close of closings.splice(2).reverse()) await close();
          },
        ),
        { numRuns: 15 },
      );
    },
  );

  it('is made by as many statements as there are chunks', async () => {
    const after = await endOf(test.store);
    await test.query(`insert into events (kind, data) select 'many', '{}' from generate_series(1, 12000)`);
    const query = vi.spyOn(pg.Client.prototype, 'query');
    closings.push(() => query.mockRestore());
    expect(await test.store.events.list({}, { after, limit: 20_000 })).toHaveLength(12_000);
    const placing = query.mock.calls.filter(([text]) => JSON.stringify(text).includes('place_events'));
    expect(placing).toHaveLength(3);
  });
});

describe('events in another database', () => {
  it(
    'are read as before, and those to come reach who waited with an old id',
    { timeout: 60_000 },
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'murnau-copy-'));
      chmodSync(folder, 0o777); // the servers may run as another user
      closings.push(() => rmSync(folder, { recursive: true, force: true }));
      const file = join(folder, 'events');
      for (const kind of ['one', 'two', 'three']) await test.store.events.record({ kind });
      const [last] = await test.store.events.newest({}, 1);
      const source = await connect();
      await source.query(`copy (select * from events where place is not null) to '${file}'`);
      await test.store.events.record({ kind: 'lost with the old database' });
      const lost = await endOf(test.store);

      const server = await startPrivateTestPostgres();
      closings.push(() => server.stop());
      const databaseUrl = await server.createDatabase();
      const store = storeOf(databaseUrl);
      await store.migrate();
      const target = await connect(databaseUrl);
      await target.query('set session_replication_role = replica'); // rows of the other tables are left out
      await target.query(`copy events from '${file}'`);
      await target.query(
        `select setval(pg_get_serial_sequence('events', 'id'), (select max(id) from events))`,
      );

      expect(await store.events.newest({}, 3)).toEqual((await test.store.events.newest({}, 4)).slice(0, 3));
      const waiting = await Promise.all([follow(store, last!.id), follow(store, lost), follow(store)]);
      await store.events.record({ kind: 'new' });
      for (const seen of waiting) await vi.waitFor(() => expect(kinds(seen)).toEqual(['new']), settled);
      expect(kinds(await store.events.list({}, { after: lost }))).toEqual(['new']);
    },
  );
});

describe('a reader whose queries fail', () => {
  it('asks less and less often, and goes on when they succeed again', async () => {
    const own = await openTestStore();
    closings.push(() => own.close());
    await own.store.events.record({ kind: 'early' });
    const live = await follow(own.store, '0');
    await vi.waitFor(() => expect(kinds(live)).toEqual(['early']), settled);
    await own.query('alter table events rename to hidden');
    const query = vi.spyOn(pg.Client.prototype, 'query');
    closings.push(() => query.mockRestore());
    const late = await Promise.all(Array.from({ length: 10 }, () => follow(own.store, '0')));
    await sleep(1_500);
    // After 0.2, 0.6 and 1.4 s: four of each of ten subscribers, four of the live reader.
    expect(query.mock.calls.length).toBeLessThanOrEqual(60);
    expect(query.mock.calls.length).toBeGreaterThan(10);
    await own.query('alter table hidden rename to events');
    await own.store.events.record({ kind: 'late' });
    for (const seen of [live, ...late])
      await vi.waitFor(() => expect(kinds(seen)).toEqual(['early', 'late']), settled);
  });
});
