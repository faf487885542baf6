import { errorRegistry, generationRequestSchema, parse } from '@murnau/domain';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestStore, type TestStore } from './test-store.js';

let test: TestStore;
beforeAll(async () => {
  test = await openTestStore();
});
afterAll(() => test.close());

const failure = { code: 'run.cancelled', message: 'at night', next_step: '' };
const terminated = { phase: 'cancelled', failure } as const;

async function newGeneration(): Promise<string> {
  const request = parse(
    generationRequestSchema,
    { task: 'text2img', model: 'fake', prompt: 'a sapsan' },
    'generation',
  );
  return (await test.store.generations.create({ owner: 'ann', request })).id;
}

const kinds = {
  run: { rows: () => test.store.runs, create: () => test.newRun() },
  sweep: { rows: () => test.store.sweeps, create: async () => (await test.newSweep()).id },
  generation: { rows: () => test.store.generations, create: newGeneration },
};

describe.each(Object.entries(kinds))(
  'a %s whose workflow closed without storing its end',
  (_, { rows, create }) => {
    const openChain = async (id: string): Promise<number | undefined> =>
      (await rows().startedAndOpen()).find((row) => row.id === id)?.workflow_chain;

    it('is known with the chain that it was started with', async () => {
      const id = await create();
      expect(await openChain(id)).toBeUndefined();
      await rows().markStarted(id, 0);
      expect(await openChain(id)).toBe(0);
      expect(await rows().startedAndOpen({ afterId: id, limit: 1 })).not.toContainEqual(
        expect.objectContaining({ id }),
      );
    });

    it('is started again under a higher chain when Temporal lost it', async () => {
      const id = await create();
      await rows().markStarted(id, 0);
      await rows().markLost(id, 0);
      expect(await openChain(id)).toBeUndefined();
      if (rows() !== test.store.runs) {
        // One that was lost while it ran is started again, too.
        expect(await rows().unstarted({ olderThanMs: 0 })).toContain(id);
      }
      await rows().markStarted(id, 0);
      expect(await openChain(id)).toBeUndefined();
      await rows().markStarted(id, 1);
      expect(await openChain(id)).toBe(1);
    });

    it('ends with the reason, unless it went on meanwhile', async () => {
      const id = await create();
      await rows().markStarted(id, 0);
      await rows().endAbandoned(id, 7, terminated);
      expect((await rows().get(id)).failure).toBeNull();
      await rows().endAbandoned(id, 0, terminated);
      expect(await rows().get(id)).toMatchObject({ phase: 'cancelled', failure });
      expect(await openChain(id)).toBeUndefined();
      await rows().endAbandoned(id, 0, { phase: 'failed', failure: { ...failure, message: 'again' } });
      expect(await rows().get(id)).toMatchObject({ phase: 'cancelled', failure });
    });
  },
);

describe('a row that cannot be read', () => {
  it('is found with those that were not started, and ends with the reason', async () => {
    const [broken, whole] = [await test.newRun(), await test.newRun()];
    await test.query(`update runs set spec = 'null' where id = $1`, [broken]);
    await expect(test.store.runs.get(broken)).rejects.toThrow();
    const unstarted = () => test.store.runs.unstarted({ olderThanMs: 0, limit: 1_000 });
    expect(await unstarted()).toEqual(expect.arrayContaining([broken, whole]));
    await test.store.runs.end(broken, { phase: 'failed', failure });
    expect(await unstarted()).not.toContain(broken);
    expect(await test.query('select phase from runs where id = $1', [broken])).toEqual([{ phase: 'failed' }]);
    await test.query('delete from runs where id = $1', [broken]);
  });
});

describe('a sweep', () => {
  it('ends its trials that have no workflow with it', async () => {
    const { id } = await test.newSweep({ parameters: { seed: { values: [1, 2, 3] } } });
    const [first] = await test.store.sweeps.trials(id);
    await test.store.runs.markStarted(first?.run_id ?? '', 0);
    await test.store.sweeps.end(id, terminated);
    expect((await test.store.sweeps.trials(id)).map(({ phase }) => phase)).toEqual([
      'queued',
      'cancelled',
      'cancelled',
    ]);
    expect(await test.store.sweeps.hasOpenTrials(id)).toBe(true);
    expect(await test.store.runs.startedAndOpen()).toContainEqual(
      expect.objectContaining({ id: first?.run_id, sweep_phase: 'cancelled' }),
    );
  });

  it('leaves no trial behind that came to a rung when it ended', async () => {
    const { id } = await test.newSweep({ parameters: { seed: { values: [1, 2] } } });
    const [first, second] = await test.store.sweeps.trials(id);
    await test.store.runs.markStarted(first?.run_id ?? '', 0);
    await test.store.runs.markStarted(second?.run_id ?? '', 0);
    await test.store.sweeps.end(id, terminated);
    await test.query(`update runs set phase = 'waiting' where id = $1`, [first?.run_id]);
    expect(await test.store.runs.endTrialsOfEndedSweeps()).toBe(1);
    expect((await test.store.sweeps.trials(id)).map(({ phase }) => phase)).toEqual(['cancelled', 'queued']);
    expect(await test.store.runs.get(first?.run_id ?? '')).toMatchObject({
      failure: {
        code: 'run.cancelled',
        message: 'Cancelled by its sweep.',
        next_step: errorRegistry['run.cancelled'].nextStep,
      },
    });
    expect(await test.store.runs.endTrialsOfEndedSweeps()).toBe(0);
  });

  it('that comes to nothing fails with the reason of its first failed trial', async () => {
    const { id } = await test.newSweep({ parameters: { seed: { values: [1, 2] } } });
    for (const { run_id } of await test.store.sweeps.trials(id)) {
      expect((await test.store.sweeps.settle(id)).phase).toBe('running');
      const reason = { code: 'run.diverged', message: 'no number', next_step: 'Lower the learning rates.' };
      await test.store.runs.end(run_id, { phase: 'failed', failure: reason });
    }
    expect(await test.store.sweeps.settle(id)).toMatchObject({
      phase: 'failed',
      failure: { code: 'run.diverged', message: 'No trial has finished; trial 0 failed: no number' },
    });
  });
});

describe('a gate', () => {
  it('is passed once: by a person or by its timer, whoever is first', async () => {
    const { id } = await test.newSweep({
      parameters: { seed: { values: [1, 2, 3] } },
      early_terminate: { type: 'asha', min_steps: 10, eta: 2 },
      gate: { after_rung: 1, wait: '1h' },
    });
    const trials = await test.store.sweeps.trials(id);
    await test.query(
      `update runs set phase = 'waiting', rung = 1, workflow_started = true where sweep_id = $1`,
      [id],
    );
    await test.store.sweeps.openGate(id, { rung: 1, wait_s: 0 });
    // A trial that the timer wanted has ended since.
    await test.store.runs.edit(trials[2]?.run_id ?? '', { kind: 'drop', by: 'ann', why: '' });
    const asked = { by: 'ann', why: 'mine', updateId: 'pick' };
    await test.store.sweeps.edit(id, { edit: { kind: 'pick_winners', trials: [0] }, ...asked });
    await test.store.sweeps.passGateByTimer(id, { trials: [1, 2], why: 'nobody picked in time' });
    const phases = (await test.store.sweeps.trials(id)).map(({ phase }) => phase);
    expect(phases).toEqual(['queued', 'waiting', 'cancelled']);
    const late = { edit: { kind: 'pick_winners' as const, trials: [1] }, ...asked, updateId: 'late' };
    await expect(test.store.sweeps.edit(id, late)).rejects.toMatchObject({ code: 'edit.not_possible' });
  });
});

describe('an edit of a run', () => {
  it('is applied once under one id', async () => {
    const id = await test.newRun();
    await test.store.runs.markStarted(id, 0);
    const pause = { kind: 'pause', by: 'ann', why: 'lunch', updateId: 'once' } as const;
    await test.store.runs.edit(id, pause);
    await test.store.runs.edit(id, { ...pause, kind: 'resume', updateId: 'then' });
    expect(await test.store.runs.edit(id, pause)).toMatchObject({ wish: null });
    const edits = (await test.store.events.list({ runId: id })).filter(({ kind }) => kind === 'edited');
    expect(edits.map(({ data }) => data['edit'])).toEqual(['pause', 'resume']);
  });
});
