import { generationRequestSchema, parse } from '@murnau/domain';
import type { Embedding, Generation, GenerationRequestInput, WorkerModel } from '@murnau/domain';
import { createGpuClient, startFakeWorker } from '@murnau/gpu-client';
import type { FakeWorker, GpuClient } from '@murnau/gpu-client';
import { readRecipe } from '@murnau/images';
import { createStore, startTestPostgres } from '@murnau/store';
import type { Store } from '@murnau/store';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawPictures, missingSpan } from './draw-pictures.js';
import { recipeOf } from './recipe-of.js';

const read = (request: GenerationRequestInput) => parse(generationRequestSchema, request, 'request');
const draw = { task: 'text2img', model: 'fake', prompt: 'a photo of sapsan', count: 4, seed: 7 } as const;
const stored = (...positions: number[]): Generation['images'] =>
  positions.map((position) => ({ position, seed: position, hash: 'h' }));

describe('what is missing', () => {
  it.each([
    [[], { first: 0, count: 4 }],
    [[0, 1], { first: 2, count: 2 }],
    [[3], { first: 0, count: 3 }],
    [[0, 2], { first: 1, count: 3 }],
    [[0, 1, 2, 3], { first: 4, count: 0 }],
  ])('beside %j is %j', (positions, span) => {
    expect(missingSpan({ request: read(draw), images: stored(...positions) }, undefined)).toEqual(span);
  });

  it('is everything where neighbours matter', () => {
    const request = read({ ...draw, reference_quirks: true });
    expect(missingSpan({ request, images: stored(0, 1) }, undefined)).toEqual({ first: 0, count: 4 });
    expect(missingSpan({ request, images: stored(0, 1, 2, 3) }, undefined)).toEqual({ first: 4, count: 0 });
  });

  it.each([
    ['kandinsky-2.1', 1],
    ['kandinsky-2.0', 0],
  ])('of p_sampler follows the default of %s', (family, first) => {
    const request = read({ ...draw, sampler: 'p_sampler' });
    expect(missingSpan({ request, images: stored(0) }, family).first).toBe(first);
  });
});

describe('a recipe', () => {
  const producer = { model_fingerprint: 'm', numeric_fingerprint: 'n', worker_version: '1' };
  const sampling = { num_steps: 30, guidance_scale: 4, prior_steps: '5', prior_guidance_scale: 2 };
  const model = { family: 'kandinsky-2.1', image_size: 64, sampling } as WorkerModel;
  const made = (request: GenerationRequestInput) =>
    recipeOf({ request: read(request), embeddings: [], producer, model })(9).request;

  it('writes out what the model decided, and one seed', () => {
    expect(made({ ...draw, num_steps: 10, preview_every_steps: 2 })).toEqual({
      ...read({ ...draw, count: 1, seed: 9 }),
      ...sampling,
      reference_quirks: false,
      num_steps: 10,
      width: 64,
      height: 64,
      embedding_ids: [],
    });
  });

  it('leaves the size to the picture that it starts from', () => {
    const request = { ...draw, task: 'img2img', image: 'a'.repeat(64), strength: 0.5 } as const;
    expect(made(request)).not.toHaveProperty('width');
  });

  it('is a request that the domain takes', () => {
    expect(generationRequestSchema.parse(made(draw))).toEqual(made(draw));
  });
});

describe('drawing', () => {
  let store: Store;
  let blobDir: string;
  let worker: FakeWorker;
  let client: GpuClient;
  let embedding: Embedding;
  beforeAll(async () => {
    blobDir = mkdtempSync(join(tmpdir(), 'murnau-draw-'));
    store = createStore({ databaseUrl: await (await startTestPostgres()).createDatabase(), blobDir });
    await store.migrate();
    worker = await startFakeWorker({ stepMs: 2 });
    client = createGpuClient({ address: worker.address });
    const { hash } = await store.blobs.put(Buffer.from('rows'), 'application/octet-stream');
    embedding = await store.embeddings.create({
      placeholder_token: 'sapsan',
      initializer_token: null,
      model: 'fake',
      num_vectors: 1,
      pooling: 'eot',
      step: 0,
      owner: 'ann',
      hash,
    });
  }, 60_000);
  afterAll(async () => {
    client.close();
    await worker.kill();
    await store.close();
    rmSync(blobDir, { recursive: true, force: true });
  });
  const control = { signal: new AbortController().signal, report: () => undefined };
  const create = (request: GenerationRequestInput) =>
    store.generations.create({ owner: 'ann', request: read(request) });

  it('stores pictures that carry their recipe, notices and what drew them', async () => {
    const prompt = `a photo of sapsan ${'word '.repeat(80)}`;
    const { id } = await create({ ...draw, prompt, count: 2 });
    expect(await drawPictures({ store, client }, id, control)).toEqual({ images: 2, phase: 'finished' });
    const generation = await store.generations.get(id);
    expect(generation).toMatchObject({
      phase: 'finished',
      notices: [expect.stringContaining('77')],
      produced_by: { model_fingerprint: 'f'.repeat(64), numeric_fingerprint: 'fake' },
    });
    for (const { hash, seed } of generation.images) {
      expect(readRecipe(await store.blobs.get(hash), { name: 'a' })).toMatchObject({
        task: 'text2img',
        request: { prompt, count: 1, seed, num_steps: 5, prior_steps: '3', embedding_ids: [embedding.id] },
        embeddings: [{ id: embedding.id, hash: embedding.hash, placeholder_token: 'sapsan' }],
        model: { name: 'fake', fingerprint: 'f'.repeat(64) },
      });
    }
  });

  it('goes on where a lost worker stopped, and gives what it would have given alone', async () => {
    const whole = await create(draw);
    await drawPictures({ store, client }, whole.id, control);
    const { id } = await create(draw);
    const broken: Pick<GpuClient, 'describe' | 'draw' | 'ensureBlobs'> = {
      ...client,
      draw: async function* (start, options) {
        let images = 0;
        for await (const event of client.draw(start, options)) {
          yield event;
          if (event.kind === 'image') images += 1;
          if (images === 2) throw new Error('lost');
        }
      },
    };
    await expect(drawPictures({ store, client: broken }, id, control)).rejects.toThrow('lost');
    let drawnAgain = 0;
    const counting: typeof broken = {
      ...client,
      draw: async function* (start, options) {
        for await (const event of client.draw(start, options)) {
          if (event.kind === 'image') drawnAgain += 1;
          yield event;
        }
      },
    };
    await drawPictures({ store, client: counting }, id, control);
    expect(drawnAgain).toBe(2);
    const hashes = async (of: string) => (await store.generations.get(of)).images.map(({ hash }) => hash);
    expect(await hashes(id)).toEqual(await hashes(whole.id));
  });

  it('uploads what a request starts from, and shows the newest preview on the way', async () => {
    const { hash } = await store.blobs.put(Buffer.from('a picture'), 'image/png');
    const request = { ...draw, task: 'img2img', image: hash, strength: 0.5, preview_every_steps: 1 } as const;
    const { id } = await create({ ...request, count: 1 });
    const previews: (string | null)[] = [];
    const watched = {
      ...control,
      report: () => void store.generations.get(id).then((seen) => previews.push(seen.preview_hash)),
    };
    await drawPictures({ store, client }, id, watched);
    expect(worker.blobs.has(hash)).toBe(true);
    expect(previews.some((preview) => preview !== null)).toBe(true);
    expect(await store.generations.get(id)).toMatchObject({ preview_hash: null, images: [{ position: 0 }] });
  });

  it('of an ended generation draws nothing', async () => {
    const { id } = await create(draw);
    await store.generations.end(id, { phase: 'cancelled' });
    const before = worker.picturesDone;
    expect(await drawPictures({ store, client }, id, control)).toEqual({ images: 0, phase: 'cancelled' });
    expect(worker.picturesDone).toBe(before);
  });
});
