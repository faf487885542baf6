import { fakeEmbedding } from '@murnau/gpu-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Harness } from './harness.js';
import { startHarness } from './harness.js';

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness({ stepMs: 2 });
}, 60_000);
afterAll(() => harness.stop());

describe('one run', () => {
  it('goes from the store to a published embedding', async () => {
    const run = await harness.createRun({ seed: 5 });
    const beginMs = Date.now();
    await harness.starters.startTrainingRun(run);
    const ended = await harness.ended(run.id);
    console.log('took', Date.now() - beginMs, 'ms', harness.folder);
    expect(ended).toMatchObject({ phase: 'finished', step: 100, certified_step: 100 });
    const embedding = await harness.store.embeddings.get(ended.embedding_id ?? '');
    expect((await harness.store.blobs.get(embedding.hash)).toString()).toBe(fakeEmbedding(5, 100));
    const { items: losses } = await harness.store.runs.metrics(run.id, { names: ['train_loss'] });
    expect(losses.map(({ step }) => step)).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
  }, 60_000);
});
