import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestStore, type TestStore } from '../test-store.js';

let test: TestStore;
beforeAll(async () => {
  test = await openTestStore();
});
afterAll(() => test.close());

const trials = 4;

const newSweep = async (): Promise<string> => {
  const early_terminate = { type: 'asha', min_steps: 10, eta: 2 } as const;
  return (await test.newSweep({ method: 'random', run_cap: trials, early_terminate })).id;
};

/** As the definition says it, over all rows. */
async function recount(id: string): Promise<Record<string, number>> {
  const isHeld = `wish is not distinct from 'pause'`;
  const isUnstarted = `phase = 'queued' and not workflow_started`;
  const [row] = await test.query<Record<string, number>>(
    `select count(*) filter (where ${isUnstarted} and not (${isHeld}))::int as to_start,
            count(*) filter (where ${isUnstarted} and not (${isHeld}) and certified_step > 0)::int as resumed,
            count(*) filter (where phase = 'running' or (phase = 'queued' and workflow_started)
                               or (phase = 'paused' and not (${isHeld})))::int as open,
            count(*) filter (where (${isHeld}) and (phase = 'paused' or (${isUnstarted})))::int as held,
            count(*) filter (where phase = 'waiting')::int as waiting,
            count(*) filter (where phase = 'finished')::int as finished,
            count(*) filter (where phase = 'failed')::int as failed,
            count(*) filter (where phase = 'cancelled')::int as cancelled,
            sum(device_s) as device_s
     from runs where sweep_id = $1`,
    [id],
  );
  return row ?? {};
}

type Deed = (runId: string, sweepId: string) => Promise<unknown>;

const claim: Deed = async (runId) => {
  const { epoch, workflow_chain: chain } = await test.store.runs.details(runId);
  await test.store.runs.claim(runId, { chain, segment: epoch + 1, attempt: 1 }, 'worker-0');
};

/** Everything that moves a trial from one state to another. */
const deeds: Record<string, Deed> = {
  start: async (runId) => {
    const { workflow_chain } = await test.store.runs.details(runId);
    await test.store.runs.markAllStarted([{ run_id: runId, chain: workflow_chain }]);
  },
  claim,
  train: async (runId) => {
    const { epoch } = await test.store.runs.details(runId);
    const { certified_step } = await test.store.runs.get(runId);
    const hash = await test.blob('state');
    await test.query(`update runs set device_mark = now() - interval '2 seconds' where id = $1`, [runId]);
    const step = certified_step + 10;
    await test.store.runs.recordProgress(runId, epoch, {
      checkpoint: { step, state_hash: hash, embedding_hash: hash },
    });
  },
  wait: (runId) => test.store.runs.reachRung(runId),
  promote: (runId, sweepId) => test.store.sweeps.promote(sweepId, [{ run_id: runId, rung: 1, why: 'best' }]),
  pause: (runId) => test.store.runs.edit(runId, { kind: 'pause', by: 'ann', why: '' }),
  resume: (runId) => test.store.runs.edit(runId, { kind: 'resume', by: 'ann', why: '' }),
  hold: (runId) => test.store.runs.setPhase(runId, 'paused'),
  lose: async (runId) =>
    test.store.runs.markLost(runId, (await test.store.runs.details(runId)).workflow_chain),
  finish: async (runId) => test.store.runs.finish(runId, (await test.store.runs.details(runId)).epoch),
  fail: (runId) => test.store.runs.end(runId, { phase: 'failed' }),
  idle: (_, sweepId) => test.store.sweeps.cancelIdleTrials(sweepId, 'ann'),
};

describe('numbers of trials', () => {
  it('are what counting all rows gives, whatever happened', async () => {
    const steps = fc.array(
      fc.record({ deed: fc.constantFrom(...Object.keys(deeds)), trial: fc.nat({ max: trials - 1 }) }),
      { minLength: 5, maxLength: 25 },
    );
    await fc.assert(
      fc.asyncProperty(steps, async (given) => {
        const id = await newSweep();
        const runs = await test.store.sweeps.trials(id);
        // Two of three deeds make no sense where they come: they are refused, and change nothing.
        for (const { deed, trial } of given) {
          await deeds[deed]?.(runs[trial]?.run_id ?? '', id).catch(() => undefined);
        }
        const { counts, sweep } = await test.store.sweeps.facts(id);
        const { device_s, ...numbers } = await recount(id);
        expect(counts).toEqual(numbers);
        expect(sweep.device_s).toBeCloseTo(device_s ?? 0, 6);
      }),
      { numRuns: 40 },
    );
  }, 60_000);

  it('take a start that is under way for made, until it is noted or overtaken', async () => {
    const id = await newSweep();
    const [first, second] = await test.store.sweeps.trials(id);
    const starting = [first, second].map((run) => ({ run_id: run?.run_id ?? '', chain: 0 }));
    const facts = await test.store.sweeps.facts(id, { starting });
    expect(facts.counts).toMatchObject({ to_start: trials - 2, open: 2 });
    expect(facts.next.map(({ trial }) => trial)).toEqual([2, 3]);
    // Nothing is counted twice when the store knows of it already.
    await test.store.runs.markAllStarted(starting.slice(0, 1));
    expect((await test.store.sweeps.facts(id, { starting })).counts).toEqual(facts.counts);
    // A later start of the same trial is another one.
    await test.store.runs.markLost(first?.run_id ?? '', 0);
    const after = await test.store.sweeps.facts(id, { starting });
    expect(after.counts).toMatchObject({ to_start: trials - 1, open: 1 });
    expect(after.next.map(({ trial, workflow_chain }) => [trial, workflow_chain])).toContainEqual([0, 1]);
  });

  it('are folded when changes pile up, and stay the same', async () => {
    const id = await newSweep();
    const [run] = await test.store.sweeps.trials(id);
    for (let round = 0; round < 120; round += 1) {
      await test.query(`update runs set workflow_started = not workflow_started where id = $1`, [
        run?.run_id,
      ]);
    }
    const before = (await test.store.sweeps.facts(id)).counts;
    const [row] = await test.query<{ rows: number }>(
      `select count(*)::int as rows from sweep_tallies where sweep_id = $1`,
      [id],
    );
    expect(row?.rows).toBeLessThan(10);
    expect((await test.store.sweeps.facts(id)).counts).toEqual(before);
    expect(before).toMatchObject({ to_start: trials, open: 0 });
  });
});
