import type { SweepEdit, SweepFileInput } from '@murnau/domain';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestStore, type TestStore } from '../test-store.js';

let test: TestStore;
beforeAll(async () => {
  test = await openTestStore();
});
afterAll(() => test.close());

const newSweep = (file: Omit<Partial<SweepFileInput>, 'parameters'> = {}, seeds = 4) =>
  test.newSweep({
    ...file,
    parameters: { seed: { values: Array.from({ length: seeds }, (_, seed) => seed) } },
  });

let updates = 0;
const edit = (id: string, change: SweepEdit, updateId = `update-${(updates += 1)}`) =>
  test.store.sweeps.edit(id, { edit: change, by: 'ann', why: 'because', updateId });

const claim = { chain: 0, segment: 1, attempt: 1 };

describe('an edit', () => {
  it('is applied once, however often and however much at once it comes', async () => {
    const { id } = await newSweep();
    const change: SweepEdit = { kind: 'set_concurrency', max_concurrent_trials: 9 };
    await Promise.all(Array.from({ length: 8 }, () => edit(id, change, 'the same')));
    const { items } = await test.store.sweeps.decisions(id);
    expect(items).toMatchObject([
      { kind: 'set_concurrency', by: 'ann', why: 'because', data: { before: 4, max_concurrent_trials: 9 } },
    ]);
    expect((await test.store.sweeps.facts(id)).sweep.max_concurrent_trials).toBe(9);
  });

  it('that is refused leaves no trace', async () => {
    const { id } = await newSweep();
    for (const change of [
      { kind: 'resume' },
      { kind: 'retry_failed' },
      { kind: 'drop_trial', trial: 77 },
    ] as const) {
      await expect(edit(id, change)).rejects.toMatchObject({ code: 'edit.not_possible' });
    }
    expect((await test.store.sweeps.decisions(id)).items).toEqual([]);
    await test.store.sweeps.end(id, { phase: 'cancelled' });
    for (const kind of ['pause', 'stop', 'retry_failed'] as const) {
      await expect(edit(id, { kind })).rejects.toMatchObject({ code: 'sweep.already_ended' });
    }
  });

  it('tells trials that are at work what is wanted, and ends those that are not', async () => {
    const { id } = await newSweep();
    const [first, second] = await test.store.sweeps.trials(id);
    await test.store.runs.markStarted(first?.run_id ?? '', 0);
    expect((await test.store.sweeps.facts(id)).unresponsive_trials).toEqual([]);
    await edit(id, { kind: 'pause' });
    expect((await test.store.sweeps.facts(id)).unresponsive_trials).toEqual([first?.workflow_id]);
    await edit(id, { kind: 'drop_trial', trial: 0 });
    await edit(id, { kind: 'drop_trial', trial: 1 });
    expect(await test.store.runs.get(first?.run_id ?? '')).toMatchObject({ phase: 'queued', wish: 'drop' });
    expect(await test.store.runs.get(second?.run_id ?? '')).toMatchObject({
      phase: 'cancelled',
      failure: { message: 'Cancelled by ann.' },
    });
  });
});

describe('a word of a sweep', () => {
  it('does not learn from two datasets, when a pair is added either', async () => {
    const { id } = await newSweep();
    const other = await test.newDataset();
    const pair = { placeholder: 'sapsan', initializer: 'bird', dataset: other };
    await expect(edit(id, { kind: 'add_pair', pair })).rejects.toMatchObject({
      code: 'edit.not_possible',
      field: 'dataset',
      given: other,
    });
    await edit(id, { kind: 'add_pair', pair: { ...pair, placeholder: 'kestrel' } });
    await edit(id, { kind: 'add_pair', pair: { placeholder: 'sapsan', initializer: 'bird' } });
  });
});

describe('a cancelled sweep or trial', () => {
  it('says who asked, and why', async () => {
    const { id } = await newSweep();
    const [trial] = await test.store.sweeps.trials(id);
    const asked = { by: 'ann', why: 'wrong pictures' };
    await test.store.runs.end(trial?.run_id ?? '', { phase: 'cancelled', asked });
    await test.store.sweeps.end(id, { phase: 'cancelled', asked });
    // Said again it changes nothing.
    await test.store.sweeps.end(id, { phase: 'cancelled', asked });
    const { items } = await test.store.sweeps.decisions(id, { kind: 'cancel' });
    expect(items).toMatchObject([
      { trial: null, ...asked },
      { trial: 0, ...asked },
    ]);
    const edited = (await test.store.events.list({ sweepId: id }, {})).filter(
      ({ kind }) => kind === 'edited',
    );
    expect(edited.map(({ data }) => data)).toEqual([
      { edit: 'cancel', ...asked },
      { edit: 'cancel', ...asked },
    ]);
  });
});

describe('a start of a run', () => {
  it('takes a chain above all before, and a late word about an earlier one changes nothing', async () => {
    const { id } = await newSweep({}, 1);
    const [trial] = await test.store.sweeps.trials(id);
    const run = trial?.run_id ?? '';
    await test.store.runs.markStarted(run, 0);
    const { epoch } = await test.store.runs.claim(run, { ...claim, chain: 4 }, 'worker-0');
    await test.store.runs.end(run, { phase: 'failed' }, epoch);
    await test.store.sweeps.end(id, { phase: 'failed' });
    await edit(id, { kind: 'retry_failed' });
    expect(await test.store.sweeps.get(id)).toMatchObject({ phase: 'running', finished_at: null });
    expect(await test.store.sweeps.unstarted({ olderThanMs: 0 })).toContain(id);
    await test.store.runs.markStarted(run, 4);
    expect((await test.store.sweeps.facts(id)).next).toMatchObject([{ run_id: run, workflow_chain: 5 }]);
    await test.store.runs.markStarted(run, 5);
    expect((await test.store.sweeps.facts(id)).counts).toMatchObject({ to_start: 0, open: 1 });
    expect((await test.store.sweeps.decisions(id, { kind: 'start' })).items.map(({ trial: n }) => n)).toEqual(
      [0, 0],
    );
    // The claims of the new workflow are above those of the old one.
    await test.store.runs.claim(run, { ...claim, chain: 5 }, 'worker-1');
    await test.store.runs.markLost(run, 4);
    await test.store.runs.endAbandoned(run, 4, { phase: 'cancelled' });
    expect(await test.store.runs.get(run)).toMatchObject({ phase: 'running' });
    await test.store.runs.markLost(run, 5);
    expect((await test.store.sweeps.facts(id)).next).toMatchObject([{ run_id: run, workflow_chain: 6 }]);
  });
});

describe('device time', () => {
  it('is counted with each certified batch, shared among those on the device', async () => {
    const id = await test.newRun();
    const { epoch } = await test.store.runs.claim(id, claim, 'worker-0');
    await test.query(`update runs set device_mark = now() - interval '8 seconds' where id = $1`, [id]);
    const state = await test.blob('state');
    const checkpoint = (step: number) => ({ step, state_hash: state, embedding_hash: state });
    await test.store.runs.recordProgress(id, epoch, { sharers: 4, checkpoint: checkpoint(1) });
    const { device_s } = await test.store.runs.get(id);
    expect(device_s).toBeGreaterThan(1.9);
    expect(device_s).toBeLessThan(2.5);
    // What was not certified was not counted.
    await test.query(`update runs set device_mark = now() - interval '8 seconds' where id = $1`, [id]);
    await test.store.runs.claim(id, { ...claim, attempt: 2 }, 'worker-1');
    expect((await test.store.runs.get(id)).device_s).toBe(device_s);
  });
});
