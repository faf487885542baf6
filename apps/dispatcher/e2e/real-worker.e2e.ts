import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultModel } from '@murnau/domain';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Harness, Program } from './harness.js';
import { root, spec, startHarness, startRealWorker } from './harness.js';

let harness: Harness;
let worker: Program;
beforeAll(async () => {
  harness = await startHarness();
  const real = await startRealWorker(harness.folder);
  worker = real;
  harness.addDispatcher('real', real.address);
}, 120_000);
afterAll(async () => {
  await worker.stop();
  await harness.stop();
});

async function createDataset(): Promise<string> {
  const folder = join(root, 'examples/owl');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.png')).sort();
  const images = await Promise.all(
    names.map(async (name) => {
      const { hash } = await harness.store.blobs.put(await readFile(join(folder, name)), 'image/png');
      return { hash, name, width: 64, height: 64 };
    }),
  );
  return (await harness.store.datasets.create({ name: 'example', owner: 'tester', images })).id;
}

describe('a real worker', () => {
  it('learns, samples and publishes through Temporal and the store', async () => {
    const run = await harness.store.runs.create({
      owner: 'tester',
      dataset_id: await createDataset(),
      spec: spec({
        model: defaultModel,
        initializer_token: 'bird',
        max_steps: 4,
        batch_size: 1,
        checkpoint: { every_steps: 2 },
        eval: { every_steps: 0 },
        samples: { every_steps: 2, per_prompt: 1, final_count: 1, num_steps: 4 },
      }),
    });
    const beginMs = Date.now();
    await harness.starters.startTrainingRun(run);
    const ended = await harness.ended(run.id, 240_000);
    console.log('took', Date.now() - beginMs, 'ms', harness.folder, JSON.stringify(ended));
    expect(ended).toMatchObject({ phase: 'finished', certified_step: 4, failure: null });
    expect(ended.metrics).toHaveProperty('eval_loss');
    const { items: samples } = await harness.store.runs.samples(run.id, { limit: 200 });
    const kinds = new Set(samples.map(({ kind }) => kind));
    expect(kinds).toEqual(new Set(['progress', 'final', 'baseline', 'fuse_baseline']));
  }, 300_000);
});
