import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestStore, type TestStore } from '../test-store.js';

let test: TestStore;
beforeAll(async () => {
  test = await openTestStore();
});
afterAll(() => test.close());

const newSweep = (trials: number, goal: 'maximize' | 'minimize' = 'maximize') =>
  test.newSweep({
    method: 'random',
    run_cap: trials,
    metric: goal === 'maximize' ? { name: 'eval_gain' } : { name: 'eval_loss', goal },
    early_terminate: { type: 'asha', min_steps: 10, eta: 2 },
  });

/** Trains a trial to the step up to which it may, with this value of the sweep's metric. */
async function comeTo(runId: string, chain: number, name: string, value: number | null): Promise<void> {
  const { target_step } = await test.store.runs.get(runId);
  await test.store.runs.markStarted(runId, chain);
  const { epoch } = await test.store.runs.claim(runId, { chain, segment: 1, attempt: 1 }, 'worker-0');
  const hash = await test.blob('state');
  await test.store.runs.recordProgress(runId, epoch, {
    metrics: value === null ? [] : [{ step: target_step, name, value }],
    checkpoint: { step: target_step, state_hash: hash, embedding_hash: hash },
  });
  await test.store.runs.reachRung(runId);
  // Said again it changes nothing.
  await test.store.runs.reachRung(runId);
}

describe('rungs', () => {
  it.each(['maximize', 'minimize'] as const)(
    'place trials as sorting all of them would, to %s',
    async (goal) => {
      const name = goal === 'maximize' ? 'eval_gain' : 'eval_loss';
      const values = fc.array(fc.option(fc.integer({ min: 0, max: 4 })), { minLength: 1, maxLength: 7 });
      await fc.assert(
        fc.asyncProperty(values, async (given) => {
          const { id } = await newSweep(given.length, goal);
          const trials = await test.store.sweeps.trials(id);
          for (const { run_id, trial } of trials) await comeTo(run_id, 0, name, given[trial] ?? null);
          const sign = goal === 'maximize' ? -1 : 1;
          const sorted = given
            .map((value, trial) => ({ trial, merit: value === null ? Infinity : sign * value }))
            .sort((a, b) => (a.merit === b.merit ? a.trial - b.trial : a.merit - b.merit));
          const [rung] = await test.store.sweeps.rungs(id);
          expect(rung).toMatchObject({ rung: 1, reached: given.length });
          expect(rung?.contenders.map(({ trial, place }) => [place, trial])).toEqual(
            sorted.map(({ trial }, index) => [index + 1, trial]),
          );
        }),
        { numRuns: 8 },
      );
    },
  );

  it('let a trial go on once, and put it at the next one', async () => {
    const { id } = await newSweep(2);
    const [first] = await test.store.sweeps.trials(id);
    const run = first?.run_id ?? '';
    await comeTo(run, 0, 'eval_gain', 0.5);
    expect(await test.store.runs.get(run)).toMatchObject({ phase: 'waiting', rung: 1, target_step: 10 });
    const promotion = { run_id: run, rung: 1, why: 'because' };
    await Promise.all([1, 2, 3].map(() => test.store.sweeps.promote(id, [promotion])));
    expect(await test.store.runs.get(run)).toMatchObject({ phase: 'queued', rung: 1, target_step: 20 });
    expect((await test.store.sweeps.decisions(id, { kind: 'promote' })).items).toHaveLength(1);
    // A late word of its former workflow does not send it back.
    await test.store.runs.reachRung(run);
    expect((await test.store.sweeps.facts(id)).next[0]).toMatchObject({ run_id: run, workflow_chain: 1 });
    await comeTo(run, 1, 'eval_gain', 0.6);
    const [lower, upper] = await test.store.sweeps.rungs(id);
    expect(lower).toEqual({ rung: 1, reached: 1, contenders: [] });
    expect(upper).toMatchObject({ rung: 2, reached: 1, contenders: [{ trial: 0, place: 1, value: 0.6 }] });
    await test.store.sweeps.promote(id, [{ ...promotion, rung: 2 }]);
    expect(await test.store.runs.get(run)).toMatchObject({ target_step: 40 });
  });
});

describe('a sweep of ten thousand trials', () => {
  it('is decided by an answer of a few kilobytes', async () => {
    const { id } = await newSweep(10_000);
    await test.query(
      `insert into rung_results (sweep_id, rung, run_id, trial, step, value, merit)
       select sweep_id, 1, id, trial, 10, trial, trial from runs where sweep_id = $1 and trial < 9000`,
      [id],
    );
    await test.query(
      `update runs set phase = 'waiting', rung = 1, certified_step = 10, workflow_started = true
       where sweep_id = $1 and trial < 9000`,
      [id],
    );
    await test.query('analyze');
    const beginMs = performance.now();
    const [facts, rungs] = [await test.store.sweeps.facts(id), await test.store.sweeps.rungs(id)];
    const tookMs = performance.now() - beginMs;
    console.log('facts and rungs of 10,000 trials in', Math.round(tookMs), 'ms');
    expect(facts.counts).toMatchObject({ waiting: 9_000, to_start: 1_000, open: 0 });
    expect(facts.next.map(({ trial }) => trial).slice(0, 2)).toEqual([9_000, 9_001]);
    expect(rungs[0]).toMatchObject({ reached: 9_000 });
    expect(rungs[0]?.contenders[0]).toMatchObject({ trial: 8_999, place: 1 });
    expect(JSON.stringify([facts, rungs]).length).toBeLessThan(20_000);
  }, 60_000);
});

describe('a quarantined worker', () => {
  const worker = {
    name: 'worker-9',
    address: '127.0.0.1:1',
    device: { kind: 'cpu', name: '', memory_bytes: 1, memory_used_bytes: 1, threads: 1 },
    models: [],
    slots: 1,
    running: 0,
    generating: 0,
    steps_per_second: 0,
  };

  it('is lifted once, by the word after somebody asked', async () => {
    const { workers } = test.store;
    await workers.heartbeat({ ...worker, quarantine_reason: null });
    await expect(workers.lift('worker-9')).rejects.toMatchObject({ code: 'edit.not_possible' });
    await expect(workers.lift('nobody')).rejects.toMatchObject({ code: 'edit.not_possible' });
    await workers.heartbeat({ ...worker, quarantine_reason: 'three runs failed' });
    await workers.lift('worker-9');
    expect(await workers.heartbeat({ ...worker, quarantine_reason: 'three runs failed' })).toEqual({
      isLifted: true,
    });
    expect(await workers.heartbeat({ ...worker, quarantine_reason: null })).toEqual({ isLifted: false });
  });
});
