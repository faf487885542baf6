import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Harness } from './harness.js';
import { startHarness } from './harness.js';

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness({ stepMs: 2 });
}, 60_000);
afterAll(() => harness.stop());

describe('a run that its worker ends', () => {
  it('finishes where its loss came to rest, with final pictures, baselines and who judged them', async () => {
    const run = await harness.createRun({
      seed: 6,
      eval: { every_steps: 5 },
      stop_when: { plateau: true },
      samples: { final_count: 2 },
    });
    await harness.starters.startTrainingRun(run);
    const ended = await harness.ended(run.id);
    expect(ended).toMatchObject({ phase: 'finished', early_stop: 'plateau', certified_step: 40 });
    expect(ended.judgement).toEqual({ judge: 'fake', concept: 'thing', baseline_word: 'train' });
    const { items: samples } = await harness.store.runs.samples(run.id, { step: 40 });
    const kinds = new Set(samples.map(({ kind }) => kind));
    expect(kinds).toEqual(new Set(['final', 'baseline', 'fuse_baseline']));
    const embedding = await harness.store.embeddings.get(ended.embedding_id ?? '');
    expect(embedding).toMatchObject({ step: 40, published: 'averaged' });
  }, 60_000);

  it('fails where it diverged, naming the step, and keeps its last good checkpoint to go on from', async () => {
    const [worker] = harness.workers;
    worker?.divergeAt(33);
    const run = await harness.createRun({ seed: 7, checkpoint: { every_steps: 10 } });
    await harness.starters.startTrainingRun(run);
    const ended = await harness.ended(run.id);
    expect(ended).toMatchObject({ phase: 'failed', failure: { code: 'run.diverged' }, certified_step: 30 });
    expect(ended.failure?.message).toContain('step 33');
    expect(ended.restarts).toEqual({});
    worker?.divergeAt(undefined);
    const fork = await harness.store.runs.fork(run.id, { owner: 'ann' });
    await harness.starters.startTrainingRun(fork);
    expect(await harness.ended(fork.id)).toMatchObject({ phase: 'finished', certified_step: 100 });
  }, 60_000);
});
