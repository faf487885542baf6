import type { SweepEdit } from '@murnau/domain';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openTestStore, type TestStore } from '../test-store.js';

let test: TestStore;
beforeAll(async () => {
  test = await openTestStore();
});
afterAll(() => test.close());

const many = 10_000;
/** However many trials there are: inserts and updates of a thousand rows each, and what an edit costs by itself. */
const mostStatements = 50;

const newSweep = (trials: number) =>
  test.newSweep({
    method: 'random',
    run_cap: trials,
    parameters: { seed: { distribution: 'int_uniform', min: 0, max: 1_000_000 } },
  });

/** Applies an edit. @returns how many statements it took */
async function statementsOf(id: string, edit: SweepEdit, updateId: string): Promise<number> {
  const query = vi.spyOn(pg.Client.prototype, 'query');
  try {
    await test.store.sweeps.edit(id, { edit, by: 'ann', why: '', updateId });
    return query.mock.calls.length;
  } finally {
    query.mockRestore();
  }
}

const countsOf = async (id: string) => (await test.store.sweeps.facts(id)).counts;

describe('an edit of ten thousand trials is a few statements, and repeated none', () => {
  it('extended by trials, dropped, tried again and extended by steps', { timeout: 120_000 }, async () => {
    const { id } = await newSweep(2);
    const extend = { kind: 'extend', trials: many } as const;
    expect(await statementsOf(id, extend, 'more trials')).toBeLessThan(mostStatements);
    expect(await countsOf(id)).toMatchObject({ to_start: many + 2 });
    const [decision] = (await test.store.sweeps.decisions(id)).items;
    expect(decision?.data).toMatchObject({ trial_count: many });
    expect(JSON.stringify(decision).length).toBeLessThan(2_000);
    expect(await statementsOf(id, extend, 'more trials')).toBeLessThan(10);
    expect(await countsOf(id)).toMatchObject({ to_start: many + 2 });

    const half = Array.from({ length: many / 2 }, (_, trial) => trial);
    await test.query(`update runs set workflow_started = true where sweep_id = $1 and trial < 10`, [id]);
    const drop = { kind: 'drop_trials', trials: half } as const;
    expect(await statementsOf(id, drop, 'drop')).toBeLessThan(mostStatements);
    expect(await countsOf(id)).toMatchObject({ open: 10, cancelled: half.length - 10 });
    expect((await test.store.sweeps.facts(id)).unresponsive_trials).toHaveLength(10);

    await test.query(`update runs set phase = 'failed', wish = null where sweep_id = $1`, [id]);
    expect(await statementsOf(id, { kind: 'retry_failed' }, 'again')).toBeLessThan(mostStatements);
    expect(await countsOf(id)).toMatchObject({ failed: 0, to_start: many + 2 });

    await test.query(`update runs set phase = 'finished' where sweep_id = $1`, [id]);
    expect(await statementsOf(id, { kind: 'extend', steps: 60 }, 'steps')).toBeLessThan(mostStatements);
    const [first] = await test.store.sweeps.trials(id);
    expect(await test.store.runs.get(first?.run_id ?? '')).toMatchObject({
      phase: 'queued',
      target_step: 100,
      spec: { max_steps: 100, schedule_steps: 40 },
    });
  });
});

describe('trials that are dropped together', () => {
  it('are those that have not ended; a number of none is refused', async () => {
    const { id } = await newSweep(4);
    const drop = (trials: number[], updateId: string) =>
      statementsOf(id, { kind: 'drop_trials', trials }, updateId);
    await expect(drop([0, 77], 'a')).rejects.toMatchObject({ code: 'edit.not_possible' });
    await drop([0, 1], 'b');
    await drop([1, 2], 'c');
    expect(await countsOf(id)).toMatchObject({ cancelled: 3, to_start: 1 });
    await expect(drop([0, 1], 'd')).rejects.toMatchObject({ code: 'edit.not_possible' });
    // The same again is no conflict.
    await drop([0, 1], 'b');
  });
});
