import { generationSchema, modelListSchema } from '@murnau/domain';
import { writeRecipe } from '@murnau/images';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  drawingModel,
  drawPicture,
  model,
  seedDataset,
  seedRun,
  seedWorker,
  smallModel,
  train,
} from './testing/seed.js';
import { absentTemporal, callsOf, startTestServer, type TestServer } from './testing/test-server.js';

let server: TestServer;
let picture: string;
let mask: string;
beforeAll(async () => {
  server = await startTestServer(absentTemporal());
  await seedWorker(server.store, 'worker-0', null, [smallModel, drawingModel]);
  picture = await uploaded(await drawPicture(5, 1));
  mask = await uploaded(await half(64), 'image/png', '?purpose=mask');
});
afterAll(() => server.close());

const { get, post, upload } = callsOf(() => server);
const uploaded = async (content: Buffer, type = 'image/png', query = ''): Promise<string> =>
  (await upload(content, type, query)).json<{ hash: string }>().hash;

/** White, its left half transparent. */
function half(size: number): Promise<Buffer> {
  const white = { create: { width: size / 2, height: size, channels: 4 as const, background: '#ffffffff' } };
  return sharp({ create: { width: size, height: size, channels: 4, background: '#ffffff00' } })
    .composite([{ input: white, left: size / 2, top: 0 }])
    .png()
    .toBuffer();
}
const blank = (width: number, height: number, background = '#ffffff') =>
  sharp({ create: { width, height, channels: 3, background } })
    .png()
    .toBuffer();

/** A PNG of 33 bytes more than nothing that claims 30,000 × 30,000 pixels. */
async function hugeHeader(): Promise<Buffer> {
  const png = Buffer.from(await blank(32, 32));
  const { crc32 } = await import('node:zlib');
  png.writeUInt32BE(30_000, 16);
  png.writeUInt32BE(30_000, 20);
  png.writeUInt32BE(crc32(png.subarray(12, 29)), 29);
  return png;
}

const tasks = () => ({
  text2img: { task: 'text2img', prompt: 'a red cube' },
  fuse: {
    task: 'fuse',
    items: [
      { text: 'a cat', weight: 0.3 },
      { image: picture, weight: 0.7 },
    ],
  },
  inpaint: { task: 'inpaint', prompt: 'a hat', image: picture, mask },
  img2img: { task: 'img2img', prompt: 'in winter', image: picture, strength: 0.7 },
});

describe('uploads', () => {
  it('make a mask of black and white of any picture', async () => {
    const answer = await upload(await half(64), 'image/png', '?purpose=mask&name=m.png');
    expect(answer.json()).toMatchObject({ media_type: 'image/png', width: 64, height: 64 });
    const stored = (await get(`/v1/blobs/${mask}`)).rawPayload;
    const { data, info } = await sharp(stored)
      .toColourspace('b-w')
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect([info.channels, data[0], data[63]]).toEqual([1, 0, 255]);
  });

  it('take a CMYK JPEG and one that lies on its side', async () => {
    const cmyk = await sharp(await drawPicture(1, 1))
      .toColourspace('cmyk')
      .jpeg()
      .toBuffer();
    expect((await upload(cmyk, 'image/jpeg')).json()).toMatchObject({ width: 64, media_type: 'image/png' });
    const lying = await sharp(await blank(64, 40))
      .jpeg()
      .withMetadata({ orientation: 8 })
      .toBuffer();
    expect((await upload(lying, 'image/jpeg')).json()).toMatchObject({ width: 40, height: 64 });
  });

  it.each(['', '&purpose=mask'])('refuse what cannot be drawn from%s', async (purpose) => {
    const whole = await drawPicture(3, 0.2);
    const wrong: [string, Buffer, string][] = [
      ['cut.png', whole.subarray(0, Math.floor(whole.length / 2)), 'image.unreadable'],
      ['dot.png', await blank(1, 1), 'image.too_small'],
      ['huge.png', await hugeHeader(), 'image.too_large'],
      ['notes.png', Buffer.from('only text'), 'image.unreadable'],
    ];
    for (const [name, content, code] of wrong) {
      const answer = await upload(content, 'image/png', `?name=${name}${purpose}`);
      expect(answer.json()).toMatchObject({ code, status: 422, field: name });
      expect(answer.json<{ detail: string }>().detail).toContain(name);
    }
  });
});

describe('a generation', () => {
  it.each(['text2img', 'fuse', 'inpaint', 'img2img'] as const)('of %s is stored', async (task) => {
    const answer = await post('/v1/generations', tasks()[task]);
    expect(answer.statusCode).toBe(201);
    expect(generationSchema.parse(answer.json())).toMatchObject({
      phase: 'queued',
      request: { ...tasks()[task], model },
      notices: [],
      preview_hash: null,
      produced_by: null,
    });
  });

  it('from a mask that was uploaded as a picture gets the mask that the worker reads', async () => {
    const content = await sharp(await half(64))
      .flatten({ background: '#000' })
      .png()
      .toBuffer();
    const plain = await uploaded(content);
    const made = await post('/v1/generations', { ...tasks().inpaint, mask: plain });
    expect(made.json()).toMatchObject({ request: { mask } });
    expect(plain).not.toBe(mask);
  });

  it.each<[string, () => object | Promise<object>, string, string | undefined]>([
    ['no task', () => ({ prompt: 'x' }), 'spec.invalid', 'task'],
    ['steps 0', () => ({ ...tasks().text2img, num_steps: 0 }), 'spec.invalid', 'num_steps'],
    ['steps 5000', () => ({ ...tasks().text2img, num_steps: 5000 }), 'spec.invalid', 'num_steps'],
    ['an unknown sampler', () => ({ ...tasks().text2img, sampler: 'ddpm' }), 'spec.invalid', 'sampler'],
    [
      'weights that cancel',
      () => ({ task: 'fuse', items: [1, -1].map((weight) => ({ text: 'a', weight })) }),
      'spec.invalid',
      'items',
    ],
    ['an unknown model', () => ({ ...tasks().text2img, model: 'nope' }), 'model.not_served', 'model'],
    [
      'a task that the model cannot do',
      () => ({ ...tasks().inpaint, model: 'kandinsky-2.1-drawing-only' }),
      'model.task_not_served',
      'task',
    ],
    [
      'a picture that is not there',
      () => ({ ...tasks().img2img, image: '0'.repeat(64) }),
      'blob.not_found',
      'image',
    ],
    [
      'a picture that is none',
      async () => ({
        ...tasks().img2img,
        image: await uploaded(Buffer.from('x'), 'application/octet-stream'),
      }),
      'image.unreadable',
      'image',
    ],
    [
      'a mask of another size',
      async () => ({
        ...tasks().inpaint,
        mask: await uploaded(await half(32), 'image/png', '?purpose=mask'),
      }),
      'mask.wrong_size',
      'mask',
    ],
    [
      'an empty mask',
      async () => ({ ...tasks().inpaint, mask: await uploaded(await blank(64, 64)) }),
      'mask.empty',
      'mask',
    ],
  ])('with %s is refused and not stored', async (_, body, code, field) => {
    const newest = async () => (await get('/v1/generations?limit=1')).json<{ items: unknown[] }>();
    const before = await newest();
    const answer = await post('/v1/generations', await body());
    expect(answer.json()).toMatchObject({ code, field, status: code === 'blob.not_found' ? 404 : 422 });
    expect(await newest()).toEqual(before);
  });

  it('of a model that cannot learn is no reason to train it', async () => {
    const { id } = await seedDataset(server.store);
    const spec = { placeholder_token: 'sapsan', initializer_token: 'train', model: drawingModel.name };
    expect((await post('/v1/runs', { dataset_id: id, spec })).json()).toMatchObject({
      code: 'model.task_not_served',
      field: 'spec.model',
    });
  });

  it('says which models do a task that another cannot', async () => {
    const body = { ...tasks().img2img, model: 'kandinsky-2.1-drawing-only' };
    const { allowed } = (await post('/v1/generations', body)).json<{ allowed: string }>();
    expect(allowed).toBe(`img2img by ${model}; kandinsky-2.1-drawing-only does text2img`);
  });

  it('uses learnt words of every text', async () => {
    const dataset = await seedDataset(server.store);
    const run = await seedRun(server.store, dataset.id, { placeholder_token: 'gromp', max_steps: 25 });
    await train(server.store, run, 25);
    const { embedding_id } = await server.store.runs.get(run.id);
    const fuse = { ...tasks().fuse, items: [{ text: 'a Gromp', weight: 1 }] };
    for (const body of [fuse, { ...tasks().text2img, negative_decoder_prompt: 'gromp' }]) {
      expect((await post('/v1/generations', body)).json()).toMatchObject({
        request: { embedding_ids: [embedding_id] },
      });
    }
  });
});

describe('pages and sheets', () => {
  it('show task, inputs, notices, preview and recipe', async () => {
    const { id } = (await post('/v1/generations', tasks().inpaint)).json<{ id: string }>();
    const { generations, blobs } = server.store;
    await generations.recordProducer(id, {
      model_fingerprint: 'c0ffee00'.repeat(8),
      numeric_fingerprint: 'torch <2>',
      worker_version: '0.1.0',
    });
    await generations.addNotice(id, 'The model reads 77 of <90> tokens.');
    const preview = await blobs.put(await drawPicture(8, 0.5), 'image/png');
    await generations.setPreview(id, { position: 0, seed: 0, hash: preview.hash });
    const { body } = await get(`/generations/${id}`);
    for (const text of [
      'inpainting by',
      picture,
      mask,
      preview.hash,
      'The model reads 77 of &lt;90&gt; tokens.',
      'c0ffee00c0ffee00',
      'torch &lt;2&gt;',
      'murnau generate --from',
    ]) {
      expect(body).toContain(text);
    }
    expect(body).not.toMatch(/<script>|style="|undefined|NaN|\[object/);
    await generations.recordImage(id, { position: 0, seed: 0, hash: picture });
    await generations.end(id, { phase: 'finished' });
    expect((await get(`/generations/${id}`)).body).not.toContain('being drawn');
    expect((await get(`/v1/generations/${id}/sheet.png`)).headers['content-type']).toBe('image/png');
  });

  it('show a fuse by what it mixes, and a long prompt cut', async () => {
    const fuse = (await post('/v1/generations', tasks().fuse)).json<{ id: string }>();
    expect((await get(`/generations/${fuse.id}`)).body).toContain('0.3 × a cat + 0.7 × a picture');
    const long = await post('/v1/generations', { ...tasks().text2img, prompt: 'word '.repeat(2000).trim() });
    expect(long.statusCode).toBe(201);
    const page = (await get(`/generations/${long.json<{ id: string }>().id}`)).body;
    expect(/<title>([^<]*)/.exec(page)?.[1]?.length).toBeLessThan(250);
    expect((await get('/')).statusCode).toBe(200);
  });
});

describe('models', () => {
  it('are listed with their tasks, parts and the workers that serve them', async () => {
    await seedWorker(server.store, 'worker-1', 'three runs failed');
    const { items } = modelListSchema.parse((await get('/v1/models')).json());
    expect(items.map(({ name }) => name)).toEqual(['kandinsky-2.1-drawing-only', model]);
    expect(items[1]).toMatchObject({
      dtype: 'float32',
      tasks: expect.arrayContaining(['fuse']),
      sampling: { num_steps: 50, prior_steps: '25' },
      workers: [
        { name: 'worker-0', state: 'online', parts: [{ name: 'prior', loaded: true, size_bytes: 2e6 }, {}] },
        { name: 'worker-1', state: 'quarantined' },
      ],
    });
  });
});

it('keeps a recipe in what it serves', async () => {
  const recipe = {
    recipe_version: 1 as const,
    task: 'text2img' as const,
    request: {
      ...{ task: 'text2img' as const, prompt: 'x', model, count: 1, seed: 0 },
      ...{ sampler: 'ddim_sampler' as const, reference_quirks: false },
    },
    embeddings: [],
    inputs: [],
    model: { name: model, fingerprint: 'f' },
    numeric_fingerprint: 'n',
    worker_version: '1',
  };
  const png = writeRecipe(await drawPicture(4, 1), recipe);
  const { hash } = await server.store.blobs.put(png, 'image/png');
  expect((await get(`/v1/blobs/${hash}`)).rawPayload.equals(png)).toBe(true);
});
