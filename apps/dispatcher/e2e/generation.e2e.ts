import { generationRequestSchema, parse } from '@murnau/domain';
import type { Generation } from '@murnau/domain';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Harness } from './harness.js';
import { pause, startHarness } from './harness.js';

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.stop());

async function create(count: number): Promise<Generation> {
  const request = parse(
    generationRequestSchema,
    { model: 'fake', prompt: 'a photo of a sapsan', count, seed: 3 },
    'generation',
  );
  return harness.store.generations.create({ owner: 'tester', request });
}

async function ended(id: string): Promise<Generation> {
  for (let waited = 0; waited < 60_000; waited += 50) {
    const generation = await harness.store.generations.get(id);
    if (!['queued', 'running'].includes(generation.phase)) return generation;
    await pause(50);
  }
  throw new Error(`generation ${id} has not ended`);
}

describe('a generation', () => {
  it('stores each picture', async () => {
    const generation = await create(3);
    await harness.starters.startGeneration(generation);
    const { phase, images, progress } = await ended(generation.id);
    expect({ phase, progress, seeds: images.map(({ seed }) => seed) }).toEqual({
      phase: 'finished',
      progress: 1,
      seeds: [3, 4, 5],
    });
  });

  it('is cancelled', async () => {
    const generation = await create(64);
    await harness.starters.startGeneration(generation);
    while ((await harness.store.generations.get(generation.id)).images.length === 0) await pause(20);
    await harness.starters.cancelGeneration(generation, 'tester');
    expect((await ended(generation.id)).phase).toBe('cancelled');
  });
});

describe('a worker', () => {
  it('shows itself in the store, and shows as offline when it is gone', async () => {
    expect(await harness.store.workers.list()).toMatchObject([
      { name: 'worker-0', state: 'online', slots: 2 },
    ]);
    await harness.workers[0]?.kill();
    for (let waited = 0; waited < 20_000; waited += 100) {
      if ((await harness.store.workers.list())[0]?.state === 'offline') return;
      await pause(100);
    }
    throw new Error('the worker still shows as online');
  });
});
