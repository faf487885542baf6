import { generationRequestSchema, parse } from '@murnau/domain';
import type { Generation, Run } from '@murnau/domain';
import { fakeEmbedding } from '@murnau/gpu-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Harness } from './harness.js';
import { startHarness } from './harness.js';
import { MortalWorker } from './mortal-worker.js';
import { until } from './sweeps-under-test.js';

let harness: Harness;
let mortal: MortalWorker;
beforeAll(async () => {
  harness = await startHarness({ models: ['elsewhere'] });
  mortal = await MortalWorker.start({ slots: 4, stepMs: 20 });
  harness.addDispatcher('mortal', mortal.address);
});
afterAll(async () => {
  await harness.stop();
  await mortal.stop();
});

const steps = 60;

async function createRun(seed: number, isPoison = false): Promise<Run> {
  const run = await harness.createRun({ seed, max_steps: steps, samples: { every_steps: 0 } });
  if (isPoison) mortal.poison.add(run.id);
  await harness.starters.startTrainingRun(run);
  return run;
}

async function createGeneration(isPoison = false): Promise<Generation> {
  const request = parse(
    generationRequestSchema,
    { task: 'text2img', model: 'fake', prompt: 'a sapsan', count: 4 },
    'generation',
  );
  const generation = await harness.store.generations.create({ owner: 'tester', request });
  if (isPoison) mortal.poison.add(generation.id);
  await harness.starters.startGeneration(generation);
  return generation;
}

async function endOf({ id }: Generation): Promise<Generation> {
  const get = (): Promise<Generation> => harness.store.generations.get(id);
  await until('the end of the generation', async () => !['queued', 'running'].includes((await get()).phase));
  return get();
}

async function expectUndisturbed({ id }: Run, seed: number): Promise<Run> {
  const ended = await harness.ended(id);
  expect(ended).toMatchObject({ phase: 'finished', certified_step: steps, worker_deaths: 0 });
  const { hash } = await harness.store.embeddings.get(ended.embedding_id ?? '');
  expect((await harness.store.blobs.get(hash)).toString()).toBe(fakeEmbedding(seed, steps));
  return ended;
}

describe('what ends its worker', () => {
  it('is a run: it goes on alone after three deaths, fails after two more, and its neighbours finish', async () => {
    const before = mortal.deaths;
    const neighbours = await Promise.all([1, 2].map((seed) => createRun(seed)));
    const poison = await createRun(3, true);
    const ended = await harness.ended(poison.id);
    expect(ended).toMatchObject({
      phase: 'failed',
      failure: { code: 'run.ends_worker' },
      restarts: { worker_died: 5 },
    });
    expect(mortal.deaths - before).toBe(5);
    const kinds = (await harness.store.events.list({ runId: poison.id })).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'alone')).toHaveLength(1);
    for (const [index, neighbour] of neighbours.entries()) {
      const { restarts } = await expectUndisturbed(neighbour, index + 1);
      // Beside one that goes alone there is nothing.
      expect(restarts['worker_died'] ?? 0).toBeLessThanOrEqual(3);
    }
  });

  it('is a generation, which ends the same way', async () => {
    const before = mortal.deaths;
    const poison = await createGeneration(true);
    expect(await endOf(poison)).toMatchObject({
      phase: 'failed',
      failure: { code: 'generation.ends_worker' },
    });
    expect(mortal.deaths - before).toBe(5);
    expect((await endOf(await createGeneration())).phase).toBe('finished');
  });

  it('is not a run whose worker dies now and then', async () => {
    const run = await createRun(4);
    for (let step = 10; step < steps; step += 10) {
      await until(`step ${step}`, async () => (await harness.store.runs.get(run.id)).certified_step >= step);
      await mortal.die();
    }
    expect((await expectUndisturbed(run, 4)).restarts['worker_died']).toBeGreaterThan(3);
  });
});
