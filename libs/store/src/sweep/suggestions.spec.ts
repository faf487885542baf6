import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestStore, type TestStore } from '../test-store.js';

let test: TestStore;
beforeAll(async () => {
  test = await openTestStore();
});
afterAll(() => test.close());

const newSearch = async (trials: number, goal: 'maximize' | 'minimize'): Promise<string> =>
  (
    await test.newSweep({
      method: 'random',
      run_cap: trials,
      metric: goal === 'maximize' ? { name: 'eval_gain' } : { name: 'eval_loss', goal },
    })
  ).id;

const trialsOf = (history: readonly { trial: number }[]): number[] => history.map(({ trial }) => trial);

describe("a search's history", () => {
  const values = fc.array(fc.option(fc.integer({ min: -3, max: 3 })), { minLength: 1, maxLength: 30 });

  it.each(['maximize', 'minimize'] as const)('holds the newest trials and the best, to %s', async (goal) => {
    await fc.assert(
      fc.asyncProperty(values, fc.integer({ min: 2, max: 12 }), async (given, longest) => {
        const id = await newSearch(given.length, goal);
        await test.query(
          `update runs set phase = case when value is null then 'running' else 'finished' end, best_value = value
           from unnest($2::float8[]) with ordinality as given (value, place)
           where sweep_id = $1 and trial = place - 1`,
          [id, given],
        );
        const kept = trialsOf(await test.store.sweeps.history(id, { longest }));
        expect(kept).toHaveLength(Math.min(longest, given.length));
        expect(kept).toEqual([...new Set(kept)].sort((a, b) => a - b));
        const half = Math.ceil(longest / 2);
        const all = given.map((_, trial) => trial);
        expect(kept).toEqual(expect.arrayContaining(all.slice(-half)));
        const sign = goal === 'maximize' ? -1 : 1;
        const merit = (trial: number): number => {
          const value = given[trial];
          return value === null || value === undefined ? Infinity : sign * value;
        };
        const older = all.slice(0, -half);
        const leftOut = older.filter((trial) => !kept.includes(trial));
        const worstKept = Math.max(...older.filter((trial) => kept.includes(trial)).map(merit), -Infinity);
        for (const trial of leftOut) expect(merit(trial)).toBeGreaterThanOrEqual(worstKept);
      }),
      { numRuns: 15 },
    );
  });

  it('ends where it is asked to, and leaves failures out', async () => {
    const id = await newSearch(6, 'maximize');
    await test.query(
      `update runs set phase = case trial when 2 then 'failed' when 3 then 'cancelled' else 'finished' end,
                       best_value = trial
       where sweep_id = $1`,
      [id],
    );
    expect(trialsOf(await test.store.sweeps.history(id))).toEqual([0, 1, 4, 5]);
    expect(trialsOf(await test.store.sweeps.history(id, { upTo: 4 }))).toEqual([0, 1, 4]);
  });
});

describe('suggestions that a rule forbids', () => {
  const values = { pair: { placeholder: 'sapsan', initializer: 'train' }, batch_size: 64 };

  it('are kept in their order, with the rule among the decisions', async () => {
    const id = await newSearch(3, 'maximize');
    expect(await test.store.sweeps.forbidden(id)).toEqual([]);
    for (const batch_size of [64, 32]) {
      const point = { trial: 3, values: { ...values, batch_size }, rule: 'at most 256' };
      await test.store.sweeps.forbidSuggestion(id, point);
    }
    expect(await test.store.sweeps.forbidden(id)).toEqual([
      { trial: 3, values },
      { trial: 3, values: { ...values, batch_size: 32 } },
    ]);
    const [latest] = (await test.store.sweeps.decisions(id, { kind: 'forbid' })).items;
    expect(latest).toMatchObject({ trial: 3, by: 'sweep', why: 'at most 256' });
  });

  it('are let go when their trial was planned meanwhile', async () => {
    const id = await newSearch(3, 'maximize');
    await test.store.sweeps.forbidSuggestion(id, { trial: 2, values, rule: 'at most 256' });
    expect(await test.store.sweeps.forbidden(id)).toEqual([]);
  });
});
