import type { TrainingSpecInput } from '@murnau/domain';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newSample, openTestStore, type TestStore } from '../test-store.js';
import type { Progress } from './progress.js';

let test: TestStore;
beforeAll(async () => {
  test = await openTestStore();
});
afterAll(() => test.close());

async function claimedRun(spec: Partial<TrainingSpecInput> = {}) {
  const id = await test.newRun({ max_restarts: 1, ...spec });
  const { epoch } = await test.store.runs.claim(id, { chain: 0, segment: 0, attempt: 1 }, 'worker-0');
  const checkpointAt = async (step: number, gain?: number): Promise<Progress> => ({
    metrics: [
      { step, name: 'train_loss', value: 1 / step },
      ...(gain === undefined ? [] : [{ step, name: 'eval_gain', value: gain }]),
    ],
    checkpoint: {
      step,
      state_hash: await test.blob(`state ${step}`),
      embedding_hash: await test.blob(`embedding ${step}`),
    },
  });
  return { id, epoch, checkpointAt };
}

describe('recordProgress', () => {
  it('shows metrics and samples only once a checkpoint certifies them', async () => {
    const { id, epoch, checkpointAt } = await claimedRun();
    const picture = await test.blob('sample');
    await test.store.runs.recordProgress(id, epoch, {
      metrics: [{ step: 1, name: 'train_loss', value: 1 }],
      samples: [newSample(1, picture)],
    });
    const nothing = { items: [], next_cursor: null };
    expect([await test.store.runs.metrics(id), await test.store.runs.samples(id)]).toEqual([
      nothing,
      nothing,
    ]);
    expect(await test.store.runs.get(id)).toMatchObject({ step: 1, certified_step: 0, metrics: {} });

    const answer = await test.store.runs.recordProgress(id, epoch, await checkpointAt(2, 0.25));
    expect(answer).toEqual({ step: 2, certified_step: 2 });
    expect((await test.store.runs.metrics(id)).items).toEqual([
      { step: 1, name: 'train_loss', value: 1 },
      { step: 2, name: 'eval_gain', value: 0.25 },
      { step: 2, name: 'train_loss', value: 0.5 },
    ]);
    expect((await test.store.runs.samples(id)).items).toEqual([newSample(1, picture)]);
    const { items } = await test.store.runs.metrics(id, { names: ['train_loss'], after_step: 1 });
    expect(items).toHaveLength(1);
    expect(await test.store.runs.get(id)).toMatchObject({
      metrics: { train_loss: 0.5, eval_gain: 0.25 },
      best: { step: 2, name: 'eval_gain', value: 0.25 },
    });
  });

  it('keeps the newest checkpoint and the best', async () => {
    const { id, epoch, checkpointAt } = await claimedRun();
    for (const [step, gain] of [
      [1, 0.1],
      [2, 0.5],
      [3, 0.3],
      [4, 0.5],
      [5, 0.2],
    ] as const) {
      await test.store.runs.recordProgress(id, epoch, await checkpointAt(step, gain));
    }
    expect((await test.store.runs.checkpoints(id)).map(({ step }) => step)).toEqual([2, 5]);
    expect((await test.store.runs.get(id)).best).toEqual({ step: 2, name: 'eval_gain', value: 0.5 });
  });

  it('is all or nothing: a picture that is not stored leaves no metric behind', async () => {
    const { id, epoch } = await claimedRun();
    const progress = { metrics: [{ step: 1, name: 'x', value: 1 }], samples: [newSample(1, 'f'.repeat(64))] };
    await expect(test.store.runs.recordProgress(id, epoch, progress)).rejects.toMatchObject({
      code: 'blob.not_found',
    });
    expect(await test.query('select 1 from metrics where run_id = $1', [id])).toEqual([]);
  });

  it('takes the same batch twice for one', async () => {
    const { id, epoch, checkpointAt } = await claimedRun();
    const batch = await checkpointAt(1, 0.5);
    await test.store.runs.recordProgress(id, epoch, batch);
    await test.store.runs.recordProgress(id, epoch, batch);
    expect((await test.store.runs.metrics(id)).items).toHaveLength(2);
    expect(await test.store.runs.checkpoints(id)).toHaveLength(1);
  });

  it('refuses a value that is no number', async () => {
    const { id, epoch } = await claimedRun();
    const progress = { metrics: [{ step: 1, name: 'train_loss', value: Number.NaN }] };
    await expect(test.store.runs.recordProgress(id, epoch, progress)).rejects.toMatchObject({
      code: 'run.diverged',
    });
  });

  it('stores seeds and steps up to their largest', async () => {
    const { id, epoch, checkpointAt } = await claimedRun();
    const sample = newSample(1, await test.blob('sample'), { seed: Number.MAX_SAFE_INTEGER });
    await test.store.runs.recordProgress(id, epoch, {
      ...(await checkpointAt(1_000_000)),
      samples: [sample],
    });
    expect((await test.store.runs.samples(id)).items[0]?.seed).toBe(Number.MAX_SAFE_INTEGER);
  });
});

describe("a run's end", () => {
  it("publishes the newest checkpoint's embedding with its scores, once", async () => {
    const { id, epoch, checkpointAt } = await claimedRun();
    await test.store.runs.recordProgress(id, epoch, await checkpointAt(1, 0.5));
    await test.store.runs.recordProgress(id, epoch, await checkpointAt(2, 0.25));
    const { embedding_id } = await test.store.runs.finish(id, epoch);
    expect(await test.store.runs.finish(id, epoch)).toEqual({ embedding_id });
    expect(await test.store.embeddings.get(embedding_id)).toMatchObject({
      run_id: id,
      step: 2,
      published: 'averaged',
      hash: await test.blob('embedding 2'),
      scores: { eval_gain: 0.25 },
      source: 'run',
      owner: 'ann',
    });
    expect(await test.store.runs.get(id)).toMatchObject({ phase: 'finished', embedding_id });
  });

  it('names the step whose rows the worker published as its best, with the scores of that step', async () => {
    const { id, epoch, checkpointAt } = await claimedRun({ publish: 'best' });
    for (const [step, loss] of [
      [1, 0.5],
      [2, 0.25],
      [3, 0.25],
      [4, 0.75],
    ] as const) {
      const { metrics = [], ...rest } = await checkpointAt(step, 1 - loss);
      const evaluated = [...metrics, { step, name: 'eval_loss', value: loss }];
      await test.store.runs.recordProgress(id, epoch, { ...rest, metrics: evaluated });
    }
    const { embedding_id } = await test.store.runs.finish(id, epoch);
    expect(await test.store.embeddings.get(embedding_id)).toMatchObject({
      step: 2,
      published: 'best',
      hash: await test.blob('embedding 4'),
      scores: { eval_gain: 0.75, eval_loss: 0.25 },
    });
  });

  it('says that the average was published where nothing was evaluated yet', async () => {
    const { id, epoch, checkpointAt } = await claimedRun({ publish: 'best' });
    await test.store.runs.recordProgress(id, epoch, await checkpointAt(1));
    const { embedding_id } = await test.store.runs.finish(id, epoch);
    expect(await test.store.embeddings.get(embedding_id)).toMatchObject({ step: 1, published: 'averaged' });
  });

  it('keeps by whom it was judged', async () => {
    const { id, epoch, checkpointAt } = await claimedRun();
    const judgement = { judge: 'conv-319', concept: 'purple car', baseline_word: 'vehicle' };
    await test.store.runs.recordProgress(id, epoch, { ...(await checkpointAt(1)), judgement });
    expect((await test.store.runs.get(id)).judgement).toEqual(judgement);
  });

  it('needs a checkpoint', async () => {
    const { id, epoch } = await claimedRun();
    await expect(test.store.runs.finish(id, epoch)).rejects.toMatchObject({ code: 'checkpoint.corrupt' });
    expect((await test.store.runs.get(id)).phase).toBe('running');
  });

  it('stays as it was first', async () => {
    const { id } = await claimedRun();
    const failure = {
      code: 'run.diverged',
      message: 'train_loss is not a number.',
      next_step: 'Lower the learning rates.',
    };
    await test.store.runs.end(id, { phase: 'failed', failure });
    await test.store.runs.end(id, { phase: 'cancelled' });
    expect(await test.store.runs.get(id)).toMatchObject({ phase: 'failed', failure });
    await expect(test.store.runs.setPhase(id, 'paused')).rejects.toMatchObject({ code: 'run.already_ended' });
  });
});

describe("a run's history", () => {
  it('puts down where the numbers changed', async () => {
    const { id, epoch, checkpointAt } = await claimedRun();
    const started = { model_fingerprint: 'm', loading_s: 0.1 };
    await test.store.runs.recordStarted(id, epoch, { ...started, fingerprint: 'avx2', step: 0 });
    await test.store.runs.recordProgress(id, epoch, await checkpointAt(3));
    await test.store.runs.recordStarted(id, epoch, { ...started, fingerprint: 'avx512', step: 3 });
    await test.store.runs.recordStarted(id, epoch, { ...started, fingerprint: 'avx512', step: 3 });
    expect(await test.store.runs.details(id)).toMatchObject({
      fingerprint: 'avx512',
      numerics_changed_at: [3],
    });
  });

  it('counts causes against max_restarts, each epoch once', async () => {
    const { id, epoch } = await claimedRun();
    const { runs } = test.store;
    expect(await runs.countRestart(id, epoch, 'failed', { counted: true })).toEqual({
      restarts: { failed: 1 },
      counted: 1,
      allowed: true,
      deaths: 0,
    });
    expect(await runs.countRestart(id, epoch, 'failed', { counted: true })).toEqual({
      restarts: { failed: 1 },
      counted: 1,
      allowed: true,
      deaths: 0,
    });
    const second = await runs.claim(id, { chain: 0, segment: 0, attempt: 2 }, 'worker');
    expect(await runs.countRestart(id, second.epoch, 'lost', { counted: false })).toMatchObject({
      counted: 1,
      allowed: true,
    });
    const third = await runs.claim(id, { chain: 0, segment: 0, attempt: 3 }, 'worker');
    expect(await runs.countRestart(id, third.epoch, 'failed', { counted: true })).toEqual({
      restarts: { failed: 2, lost: 1 },
      counted: 2,
      allowed: false,
      deaths: 0,
    });
  });
});
