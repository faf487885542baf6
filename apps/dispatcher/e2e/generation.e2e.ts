import { generationRequestSchema, parse } from '@murnau/domain';
import type { DrawingTask, Generation, GenerationRequestInput } from '@murnau/domain';
import { startFakeWorker } from '@murnau/gpu-client';
import { readRecipe } from '@murnau/images';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Harness } from './harness.js';
import { pause, startHarness } from './harness.js';

let harness: Harness;
let image: string;
let mask: string;
beforeAll(async () => {
  harness = await startHarness({ stepMs: 10 });
  const blob = async (name: string) => (await harness.store.blobs.put(Buffer.from(name), 'image/png')).hash;
  image = await blob('a picture');
  mask = await blob('a mask');
});
afterAll(() => harness.stop());

const shared = { model: 'fake', count: 3, seed: 3 };
const requests: Record<DrawingTask, () => GenerationRequestInput> = {
  text2img: () => ({ ...shared, task: 'text2img', prompt: 'a photo of a sapsan' }),
  fuse: () => ({
    ...shared,
    task: 'fuse',
    items: [
      { text: 'a sapsan', weight: 0.4 },
      { image, weight: 0.6 },
    ],
  }),
  inpaint: () => ({ ...shared, task: 'inpaint', prompt: 'a hat', image, mask }),
  img2img: () => ({ ...shared, task: 'img2img', prompt: 'in winter', image, strength: 0.7 }),
};
const tasks = Object.keys(requests) as DrawingTask[];

async function start(task: DrawingTask, changes: Partial<GenerationRequestInput> = {}): Promise<Generation> {
  const request = parse(generationRequestSchema, { ...requests[task](), ...changes }, 'generation');
  const generation = await harness.store.generations.create({ owner: 'tester', request });
  await harness.starters.startGeneration(generation);
  return generation;
}

async function until(id: string, wanted: (generation: Generation) => boolean): Promise<Generation> {
  for (let waited = 0; waited < 60_000; waited += 20) {
    const generation = await harness.store.generations.get(id);
    if (wanted(generation)) return generation;
    await pause(20);
  }
  throw new Error(`not in time: ${JSON.stringify(await harness.store.generations.get(id))}`);
}
const ended = (id: string) => until(id, ({ phase }) => !['queued', 'running'].includes(phase));
const drawn = (count: number) => (generation: Generation) => generation.images.length >= count;

const worker = (): Harness['workers'][number] => {
  const [first] = harness.workers;
  if (first === undefined) throw new Error('no worker');
  return first;
};

describe('a generation', () => {
  it.each(tasks)('of %s stores each picture with its recipe', async (task) => {
    const { id } = await start(task);
    const { phase, images, progress, produced_by } = await ended(id);
    expect({ phase, progress, seeds: images.map(({ seed }) => seed) }).toEqual({
      phase: 'finished',
      progress: 1,
      seeds: [3, 4, 5],
    });
    expect(produced_by).toMatchObject({ model_fingerprint: 'f'.repeat(64) });
    const recipe = readRecipe(await harness.store.blobs.get(images[2]?.hash ?? ''), { name: 'third' });
    expect(recipe).toMatchObject({ task, request: { seed: 5, count: 1, num_steps: 5 } });
    expect(recipe.inputs.map(({ hash }) => hash)).toEqual(
      { text2img: [], fuse: [image], inpaint: [image, mask], img2img: [image] }[task],
    );
  });

  it.each(tasks)('of %s is cancelled, and the worker lets go of it', async (task) => {
    const generation = await start(task, { count: 64, num_steps: 50, preview_every_steps: 1 });
    await until(generation.id, (seen) => seen.preview_hash !== null);
    await harness.starters.cancelGeneration(generation, 'tester');
    expect((await ended(generation.id)).phase).toBe('cancelled');
    for (let waited = 0; worker().drawings.has(generation.id) && waited < 2_000; waited += 10)
      await pause(10);
    expect(worker().drawings.size).toBe(0);
  });

  it('says what failed', async () => {
    worker().failNext('device.out_of_memory');
    const { id } = await start('text2img');
    const { phase, failure } = await ended(id);
    expect({ phase, failure }).toMatchObject({ phase: 'failed', failure: { code: 'device.out_of_memory' } });
  });
});

describe('a generation whose worker dies', () => {
  it.each(tasks)('of %s goes on where it stopped, in the same pictures', async (task) => {
    const undisturbed = await ended((await start(task, { count: 8 })).id);
    const { id } = await start(task, { count: 8 });
    const half = await until(id, drawn(3));
    expect(half.phase).toBe('running');
    const port = Number(worker().address.split(':')[1]);
    await worker().kill();
    await pause(300);
    harness.workers[0] = await startFakeWorker({ port, stepMs: 10 });
    const whole = await ended(id);
    expect(whole.phase).toBe('finished');
    expect(whole.images.map(({ hash }) => hash)).toEqual(undisturbed.images.map(({ hash }) => hash));
    expect(worker().picturesDone).toBeLessThanOrEqual(8 - 3);
  });

  it('goes on when the dispatcher is killed', async () => {
    const { id } = await start('inpaint', { count: 8 });
    await until(id, drawn(2));
    await harness.dispatchers[0]?.stop();
    await pause(300);
    harness.dispatchers[0]?.start();
    const { phase, images } = await ended(id);
    expect({ phase, seeds: images.map(({ seed }) => seed) }).toEqual({
      phase: 'finished',
      seeds: [3, 4, 5, 6, 7, 8, 9, 10],
    });
  });
});

describe('a worker', () => {
  it('shows itself in the store, and shows as offline when it is gone', async () => {
    expect(await harness.store.workers.list()).toMatchObject([
      {
        name: 'worker-0',
        state: 'online',
        slots: 2,
        models: [{ dtype: 'float32', sampling: { num_steps: 5 } }],
      },
    ]);
    await worker().kill();
    for (let waited = 0; waited < 20_000; waited += 100) {
      if ((await harness.store.workers.list())[0]?.state === 'offline') return;
      await pause(100);
    }
    throw new Error('the worker still shows as online');
  });
});
