import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createStore, type Store } from '../create-store.js';
import { openTestStore, type TestStore } from '../test-store.js';

const trials = 3_000;
const limit = 50;

let test: TestStore;
/** One connection: what it has read is told in one piece. */
let store: Store;
let sweepId: string;

beforeAll(async () => {
  test = await openTestStore();
  store = createStore({ databaseUrl: test.databaseUrl, blobDir: test.blobDir, maxConnections: 1 });
  await test.newRun();
  sweepId = (await test.newSweep({ method: 'random', run_cap: trials })).id;
  // Of every ten trials eight have a value, several the same one; some run, some wait, some repeat a finalist.
  await test.query(
    `update runs set workflow_started = trial % 10 <> 9, best_step = 1, certified_step = 40, rung = 1,
       best_value = case when trial % 10 < 8 then (trial * 7919 % 500) / 500.0 end, metrics = '{"eval_gain": 1}',
       phase = case when trial % 10 = 9 then 'queued' when trial % 10 = 8 then 'waiting'
                    when trial % 100 = 0 then 'running' else 'finished' end,
       parameters = case when trial % 300 = 1 then '{"seed": 1, "finalist_of": 7}' else parameters end
     where sweep_id = $1`,
    [sweepId],
  );
  await test.query(
    `insert into rung_results (sweep_id, rung, run_id, trial, step, value, merit)
     select sweep_id, 1, id, trial, 40, 1, 1 from runs where phase = 'waiting'`,
  );
  await test.query(`
    insert into sweep_decisions (sweep_id, kind, trial, by, why)
    select sweep_id, case when trial % 100 = 0 then 'promote' else 'start' end, trial, 'sweep', '' from runs
    where sweep_id is not null`);
  await test.query('analyze');
  // What was read until now is told with it.
  for (let round = 0; round < 2; round += 1) await rowsRead(() => Promise.resolve());
}, 120_000);
afterAll(async () => {
  await store.close();
  await test.close();
});

/** Rows of trials and of what belongs to them that the database reads for `work`, by index or without. */
async function rowsRead(work: () => Promise<unknown>): Promise<number> {
  const look = async (): Promise<{ rows: number; marks: number }> => {
    const [read] = await test.query<{ rows: number; marks: number }>(`
      select coalesce(sum(seq_tup_read + read) filter (where relname <> 'workers'), 0)::float8 as rows,
             coalesce(sum(seq_scan) filter (where relname = 'workers'), 0)::float8 as marks
      from (
        select relname, seq_tup_read, seq_scan,
               coalesce((select sum(idx_tup_read) from pg_stat_user_indexes as indexes
                         where indexes.relid = tables.relid), 0) as read
        from pg_stat_user_tables as tables
        where relname in ('runs', 'rung_results', 'sweep_decisions', 'workers')
      ) as reads`);
    return read ?? { rows: 0, marks: 0 };
  };
  const before = await look();
  await work();
  // The server tells what a connection has read a second later at most, when it is used again.
  await store.workers.list();
  let after = before;
  await vi.waitFor(
    async () => {
      await store.ping();
      after = await look();
      expect(after.marks).toBeGreaterThan(before.marks);
    },
    { timeout: 30_000, interval: 200 },
  );
  return after.rows - before.rows;
}

describe('what viewers ask of a sweep of 3,000 trials', () => {
  const reads: Record<string, { rows: number; read: () => Promise<unknown> }> = {
    // The window: what runs is read, thirty of them.
    'the sweep': { rows: 100, read: () => store.sweeps.get(sweepId) },
    'the list of sweeps': { rows: 100, read: () => store.sweeps.list({ limit }) },
    'its best trials': { rows: 3 * limit, read: () => store.sweeps.best(sweepId, limit) },
    'a page of the leaderboard': {
      rows: 3 * limit,
      read: () => store.sweeps.leaderboard(sweepId, { limit }),
    },
    'a page far behind': {
      rows: 3 * limit,
      read: async () => {
        const cursor = Buffer.from(JSON.stringify(['leaderboard', '-0.1', 5])).toString('base64url');
        expect((await store.sweeps.leaderboard(sweepId, { limit, cursor })).items).toHaveLength(limit);
      },
    },
    'its newest trials': { rows: 3 * limit, read: () => store.runs.list({ sweep_id: sweepId, limit }) },
    'its running trials': {
      rows: 3 * limit,
      read: () => store.runs.list({ sweep_id: sweepId, phase: 'running', limit }),
    },
    'runs of no sweep': { rows: 10, read: () => store.runs.list({ sweep_id: null, limit }) },
    'who waits at the gate': { rows: 200, read: () => store.sweeps.waiting(sweepId, 1, 5) },
    finalists: { rows: 40, read: () => store.sweeps.finalists(sweepId) },
    'the ids of some trials': {
      rows: 40,
      read: () => store.sweeps.trialIds(sweepId, { trials: [1, 2, 2_999] }),
    },
    'a sample of the search': { rows: 1_500, read: () => store.sweeps.sample(sweepId, 500) },
    'a page of decisions': { rows: 3 * limit, read: () => store.sweeps.decisions(sweepId, { limit }) },
    'decisions of one kind': {
      rows: 3 * limit,
      read: () => store.sweeps.decisions(sweepId, { limit, kind: 'promote' }),
    },
  };
  it.each(Object.keys(reads))('reads few rows for %s', async (name) => {
    const { rows = 0, read = () => Promise.resolve() } = reads[name] ?? {};
    expect(await rowsRead(read)).toBeLessThanOrEqual(rows);
  });

  it('adds up to what counting all of its trials gives', async () => {
    const rows = await test.query<{ phase: string; trials: number }>(
      'select phase, count(*)::int as trials from runs where sweep_id = $1 group by phase',
      [sweepId],
    );
    const [best] = await test.query<{ id: string }>(
      `select id from runs where sweep_id = $1 and best_value is not null order by best_value desc, trial limit 1`,
      [sweepId],
    );
    const sweep = await store.sweeps.get(sweepId);
    expect(sweep.counts).toEqual(Object.fromEntries(rows.map(({ phase, trials: count }) => [phase, count])));
    expect(sweep.trials).toBe(trials);
    expect(sweep.best_run_id).toBe(best?.id);
  });

  it('pages the leaderboard: every trial once, best first, those without a value last', async () => {
    const seen: string[] = [];
    for (let cursor: string | undefined; ;) {
      const page = await store.sweeps.leaderboard(sweepId, { cursor, limit: 170 });
      seen.push(...page.items.map(({ id }) => id));
      if (page.next_cursor === null) break;
      cursor = page.next_cursor;
    }
    const wanted = await test.query<{ id: string }>(
      'select id from runs where sweep_id = $1 order by best_value desc nulls last, trial',
      [sweepId],
    );
    expect(seen).toEqual(wanted.map(({ id }) => id));
    const cursor = (await store.sweeps.leaderboard(sweepId, { limit: 1 })).next_cursor ?? '';
    expect(() => store.runs.list({ cursor })).toThrow('The cursor is not one of a page before');
  });

  it('samples a search evenly, and all of a short one', async () => {
    const sample = await store.sweeps.sample(sweepId, 500);
    expect(sample.length).toBeGreaterThan(400);
    const numbers = sample.map(({ trial }) => trial);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(numbers.at(-1)).toBeGreaterThan(trials - 20);
    const short = await test.newSweep({ method: 'random', run_cap: 7 });
    expect((await store.sweeps.sample(short.id, 500)).map(({ trial }) => trial)).toEqual([
      0, 1, 2, 3, 4, 5, 6,
    ]);
  });
});
