import { fakeEmbedding } from '@murnau/gpu-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Harness } from './harness.js';
import { pause, startHarness } from './harness.js';
import { storeSweep, until } from './sweeps-under-test.js';

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness({ stepMs: 20, slots: 4 });
});
afterAll(() => harness.stop());

const sessions = (): number => harness.workers[0]?.sessions.size ?? 0;

/** The bytes of an undisturbed run of this seed. */
async function expectUndisturbed(runId: string, steps: number): Promise<void> {
  const run = await harness.store.runs.get(runId);
  expect(run).toMatchObject({ phase: 'finished', certified_step: steps });
  const embedding = await harness.store.embeddings.get(run.embedding_id ?? '');
  expect((await harness.store.blobs.get(embedding.hash)).toString()).toBe(
    fakeEmbedding(run.spec.seed, steps),
  );
  const { items: losses } = await harness.store.runs.metrics(runId, { names: ['train_loss'] });
  expect(losses.map(({ step }) => step)).toEqual(Array.from({ length: steps }, (_, index) => index + 1));
}

describe('a run', () => {
  it('is paused without holding a device, and goes on as if nothing had happened', async () => {
    const run = await harness.createRun({ seed: 3, max_steps: 100, samples: { every_steps: 0 } });
    await harness.starters.startTrainingRun(run);
    await until('step 20', async () => (await harness.store.runs.get(run.id)).certified_step >= 20);
    await harness.starters.editRun(run, 'pause', { by: 'ann', why: 'lunch' });
    await until('a pause', async () => (await harness.store.runs.get(run.id)).phase === 'paused');
    await until('a free device', () => sessions() === 0);
    const { certified_step, device_s } = await harness.store.runs.get(run.id);
    await pause(500);
    expect((await harness.store.runs.get(run.id)).certified_step).toBe(certified_step);
    expect(device_s).toBeGreaterThan(0.2);
    await harness.starters.editRun(run, 'resume', { by: 'ann', why: '' });
    await harness.ended(run.id);
    await expectUndisturbed(run.id, 100);
    await expect(harness.starters.editRun(run, 'pause', { by: 'ann', why: '' })).rejects.toMatchObject({
      code: 'run.already_ended',
    });
  });

  it('is finished early with what it has', async () => {
    const run = await harness.createRun({ max_steps: 5_000 });
    await harness.starters.startTrainingRun(run);
    await until('step 20', async () => (await harness.store.runs.get(run.id)).certified_step >= 20);
    await harness.starters.editRun(run, 'stop', { by: 'ann', why: 'good enough' });
    const ended = await harness.ended(run.id);
    expect(ended).toMatchObject({ phase: 'finished', early_stop: 'stopped' });
    expect((await harness.store.embeddings.get(ended.embedding_id ?? '')).step).toBe(ended.certified_step);
    await expect(harness.starters.editRun(run, 'resume', { by: 'ann', why: '' })).rejects.toMatchObject({
      code: 'run.already_ended',
    });
  });
});

describe('a fork', () => {
  it('goes on from a stored step as another run, with the history of the first', async () => {
    const run = await harness.createRun({ seed: 4, max_steps: 60, samples: { every_steps: 0 } });
    await harness.starters.startTrainingRun(run);
    await harness.ended(run.id);
    const steps = (await harness.store.runs.checkpoints(run.id)).map(({ step }) => step);
    const fork = { owner: 'ann', from_step: 60, changes: { max_steps: 90 } };
    await expect(harness.store.runs.fork(run.id, { ...fork, from_step: 7 })).rejects.toMatchObject({
      code: 'edit.not_possible',
      allowed: expect.stringContaining(`one of ${steps.join(', ')} (`) as string,
    });
    await expect(
      harness.store.runs.fork(run.id, { ...fork, changes: { max_steps: 60 } }),
    ).rejects.toMatchObject({ code: 'spec.invalid', field: 'max_steps' });
    const forked = await harness.store.runs.fork(run.id, fork);
    expect(forked).toMatchObject({
      name: 'sapsan-train-from-60',
      phase: 'queued',
      certified_step: 60,
      forked_from: { run_id: run.id, step: 60 },
    });
    await harness.starters.startTrainingRun(forked);
    await harness.ended(forked.id);
    await expectUndisturbed(forked.id, 90);
    expect(await harness.store.runs.get(run.id)).toMatchObject({ phase: 'finished', certified_step: 60 });
  });
});

describe('a sweep that lives', () => {
  it('is paused: its trials free their slots; and goes on to the same bytes', async () => {
    const under = await storeSweep(harness, { seeds: 4 });
    await harness.starters.startSweep(under.sweep);
    await until('two at work', () => sessions() === 2);
    await pause(300);
    await under.edit({ kind: 'pause' }, 'somebody needs the device');
    await until('free slots', () => sessions() === 0);
    await until('two paused', async () => (await under.count('paused')) === 2);
    await pause(1_000);
    expect(sessions()).toBe(0);
    expect((await harness.store.sweeps.get(under.sweep.id)).phase).toBe('paused');
    await expect(under.edit({ kind: 'pause' })).rejects.toMatchObject({ code: 'edit.not_possible' });
    await under.edit({ kind: 'resume' });
    expect(await under.ended()).toMatchObject({ phase: 'finished', counts: { finished: 4 } });
    for (const { run_id } of await under.trials()) await expectUndisturbed(run_id, 60);
    const decided = await under.decisions();
    // Both are started at once.
    expect(decided.slice(0, 2).sort()).toEqual(['start 0', 'start 1']);
    expect(decided.slice(2, 4)).toEqual(['pause', 'resume']);
    const [latest] = (await harness.store.sweeps.decisions(under.sweep.id, { kind: 'pause' })).items;
    expect(latest).toMatchObject({ by: 'ann', why: 'somebody needs the device' });
  });

  it('runs more trials at once, drops one, and applies an edit once', async () => {
    const under = await storeSweep(harness, { seeds: 6, steps: 150, max_concurrent_trials: 1 });
    await harness.starters.startSweep(under.sweep);
    await until('one at work', () => sessions() === 1);
    const asked = { by: 'ann', why: '', updateId: 'only-once' };
    const edit = { kind: 'set_concurrency', max_concurrent_trials: 3 } as const;
    await harness.starters.editSweep(under.sweep, edit, asked);
    await harness.starters.editSweep(under.sweep, edit, asked);
    await until('three at work', () => sessions() === 3);
    await under.edit({ kind: 'drop_trial', trial: 1 }, 'it burns');
    await under.edit({ kind: 'drop_trial', trial: 5 });
    await expect(under.edit({ kind: 'drop_trial', trial: 99 })).rejects.toMatchObject({
      code: 'edit.not_possible',
    });
    const sweep = await under.ended();
    expect(sweep).toMatchObject({ phase: 'finished', counts: { finished: 4, cancelled: 2 } });
    expect(
      (await under.trials()).filter(({ phase }) => phase === 'cancelled').map(({ trial }) => trial),
    ).toEqual([1, 5]);
    expect(await under.decisions('set_concurrency')).toEqual(['set_concurrency']);
    expect(await under.decisions('drop_trial')).toEqual(['drop_trial 1', 'drop_trial 5']);
  });

  it('stops: what runs ends by itself, what was not started does not start', async () => {
    const under = await storeSweep(harness, { seeds: 6 });
    await harness.starters.startSweep(under.sweep);
    await until('two at work', () => sessions() === 2);
    await under.edit({ kind: 'stop' }, 'I have seen enough');
    const sweep = await under.ended();
    expect(sweep).toMatchObject({
      phase: 'finished',
      stop_reason: 'stopped by ann',
      counts: { finished: 2, cancelled: 4 },
    });
    await expect(under.edit({ kind: 'stop' })).rejects.toMatchObject({ code: 'sweep.already_ended' });
  });

  it('tries failed trials again, after its end too, each from its newest checkpoint', async () => {
    const under = await storeSweep(harness, {
      seeds: 3,
      steps: 100,
      max_restarts: 0,
      max_concurrent_trials: 3,
    });
    await harness.starters.startSweep(under.sweep);
    await until('three at work', () => sessions() === 3);
    await until('step 20', async () =>
      Promise.all((await under.trials()).map(({ run_id }) => harness.store.runs.get(run_id))).then((runs) =>
        runs.every(({ certified_step }) => certified_step >= 20),
      ),
    );
    // Each comes back from its lost stream, and is refused.
    harness.workers[0]?.failNext('run.diverged', 3);
    harness.workers[0]?.dropStreams();
    expect(await under.ended()).toMatchObject({ phase: 'failed', counts: { failed: 3 } });
    await under.edit({ kind: 'retry_failed' }, 'it was the cable');
    expect(await under.ended()).toMatchObject({ phase: 'finished', counts: { finished: 3 } });
    for (const { run_id, workflow_chain } of await under.trials()) {
      await expectUndisturbed(run_id, 100);
      expect(workflow_chain).toBe(1);
    }
    await expect(under.edit({ kind: 'retry_failed' })).rejects.toMatchObject({ code: 'edit.not_possible' });
  });

  it('keeps an edit whose orchestrator is killed', async () => {
    const under = await storeSweep(harness, { seeds: 4, steps: 100 });
    await harness.starters.startSweep(under.sweep);
    await until('two at work', () => sessions() === 2);
    await under.edit({ kind: 'pause' });
    await harness.orchestrator.stop();
    harness.orchestrator.start();
    await until('free slots', () => sessions() === 0);
    await under.edit({ kind: 'resume' });
    await harness.orchestrator.stop();
    harness.orchestrator.start();
    expect(await under.ended()).toMatchObject({ phase: 'finished', counts: { finished: 4 } });
  });

  it('takes one pair more while it runs, and trials and steps more after its end', async () => {
    const under = await storeSweep(harness, {
      seeds: 4,
      steps: 40,
      run_cap: 2,
      samples: { every_steps: 0, final_count: 0 },
    });
    await harness.starters.startSweep(under.sweep);
    await until('two at work', () => sessions() === 2);
    const pair = { placeholder: 'wumpus', initializer: 'dog' };
    await under.edit({ kind: 'add_pair', pair });
    await expect(under.edit({ kind: 'add_pair', pair })).rejects.toMatchObject({ code: 'edit.not_possible' });
    expect(await under.ended()).toMatchObject({ phase: 'finished', counts: { finished: 6 } });
    const words = await Promise.all(
      (await under.trials()).map(async ({ run_id }) => (await harness.store.runs.get(run_id)).spec),
    );
    expect(words.map(({ placeholder_token, seed }) => `${placeholder_token} ${seed}`)).toEqual([
      ...['sapsan 1', 'sapsan 2', 'wumpus 1', 'wumpus 2', 'wumpus 3', 'wumpus 4'],
    ]);
    await under.edit({ kind: 'extend', steps: 20 });
    expect(await under.ended()).toMatchObject({ phase: 'finished', counts: { finished: 6 } });
    for (const { run_id } of await under.trials()) await expectUndisturbed(run_id, 60);
    const { spec } = await harness.store.runs.get((await under.trials())[0]?.run_id ?? '');
    expect(spec).toMatchObject({ max_steps: 60, schedule_steps: 40 });
    await expect(under.edit({ kind: 'pause' })).rejects.toMatchObject({ code: 'sweep.already_ended' });
  });

  it('takes more trials of a random search: those that it would have had', async () => {
    const random = { method: 'random', run_cap: 3, seed: 9 } as const;
    const under = await storeSweep(harness, { ...random, seeds: 50, steps: 20 });
    const longer = await storeSweep(harness, { ...random, seeds: 50, steps: 20, run_cap: 5 });
    await harness.starters.startSweep(under.sweep);
    await under.edit({ kind: 'extend', trials: 2 });
    expect(await under.ended()).toMatchObject({ phase: 'finished', trials: 5, counts: { finished: 5 } });
    const seedsOf = async ({ trials }: typeof under): Promise<number[]> =>
      Promise.all(
        (await trials()).map(async ({ run_id }) => (await harness.store.runs.get(run_id)).spec.seed),
      );
    expect(await seedsOf(under)).toEqual(await seedsOf(longer));
    await harness.starters.cancelSweep(longer.sweep, 'tester');
  });
});
