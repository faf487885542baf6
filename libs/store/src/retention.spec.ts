import { generationRequestSchema, parse } from '@murnau/domain';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openTestStore, type TestStore } from './test-store.js';

let test: TestStore;
beforeAll(async () => {
  test = await openTestStore();
});
afterAll(() => test.close());

const request = parse(
  generationRequestSchema,
  { task: 'text2img', model: 'fake', prompt: 'a sapsan' },
  'generation',
);
const cancelled = { phase: 'cancelled' } as const;
const kindsOf = async (filter: object) => (await test.store.events.list(filter)).map(({ kind }) => kind);

/** Lets all that is stored have happened so many days earlier. */
async function age(days: number): Promise<void> {
  const earlier = `- $1 * interval '1 day'`;
  await test.query(`update events set created_at = created_at ${earlier}`, [days]);
  await test.query(`update idempotency_keys set created_at = created_at ${earlier}`, [days]);
  for (const table of ['runs', 'sweeps', 'generations'])
    await test.query(`update ${table} set finished_at = finished_at ${earlier}`, [days]);
}

describe('old events', () => {
  it('are removed with their things, and never of one that is open or ended lately', async () => {
    const [ended, open, reopened] = [await test.newRun(), await test.newRun(), await test.newRun()];
    const sweep = await test.newSweep();
    const openSweep = await test.newSweep();
    const generation = await test.store.generations.create({ owner: 'ann', request });
    const trialOf = async (id: string) => (await test.store.sweeps.leaderboard(id)).items[0]!.id;
    const [trial, trialOfOpen] = [await trialOf(sweep.id), await trialOf(openSweep.id)];
    await test.store.events.record({ kind: 'log' });
    for (const id of [ended, trial, trialOfOpen]) await test.store.runs.end(id, cancelled);
    await test.store.sweeps.end(sweep.id, cancelled);
    await test.store.generations.end(generation.id, cancelled);
    await age(100);
    await test.store.runs.end(reopened, cancelled);

    expect(await test.store.retention.removeEvents(101)).toBe(0);
    expect(await test.store.retention.removeEvents(90)).toBeGreaterThan(0);
    for (const filter of [
      { runId: ended },
      { runId: trial },
      { sweepId: sweep.id },
      { generationId: generation.id },
    ])
      expect([filter, await kindsOf(filter)]).toEqual([filter, []]);
    expect(await kindsOf({})).not.toContain('log');
    expect(await kindsOf({ runId: open })).toEqual(['created']);
    expect(await kindsOf({ runId: trialOfOpen })).toEqual(['phase']);
    expect(await kindsOf({ runId: reopened })).toEqual(['created', 'phase']);
  });

  it('are found without a look at those that are not old', async () => {
    const run = await test.newRun();
    await test.store.runs.end(run, cancelled);
    await test.query(
      `insert into events (kind, run_id, data) select 'old', $1, '{}' from generate_series(1, 5000)`,
      [run],
    );
    await age(100);
    await test.query(`insert into events (kind, data) select 'new', '{}' from generate_series(1, 20000)`);
    const query = vi.spyOn(pg.Client.prototype, 'query');
    expect(await test.store.retention.removeEvents(90)).toBeGreaterThanOrEqual(5_000);
    const statements = query.mock.calls.length;
    query.mockRestore();
    expect(statements).toBeLessThanOrEqual(5);
    expect(await kindsOf({ runId: run })).toEqual([]);
  });
});

describe('old idempotency keys', () => {
  it('are forgotten, but for those of datasets', async () => {
    const create = (key: string) =>
      test.store.generations.create({ owner: 'ann', request }, { idempotencyKey: key });
    const images = [{ hash: await test.blob('picture'), name: '1.png', width: 64, height: 64 }];
    const dataset = () =>
      test.store.datasets.create({ name: 'a', owner: 'ann', images }, { idempotencyKey: 'content-a' });
    const [first, kept] = [await create('a'), await dataset()];
    await age(8);
    const second = await create('b');
    expect(await test.store.retention.removeIdempotencyKeys(7)).toBeGreaterThan(0);
    expect((await create('a')).id).not.toBe(first.id);
    expect((await create('b')).id).toBe(second.id);
    expect((await dataset()).id).toBe(kept.id);
  });
});
