import { datasetSchema } from '@murnau/domain';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawPicture, seedWorker } from './testing/seed.js';
import { callsOf, startTestServer, type TestServer } from './testing/test-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  await seedWorker(server.store);
});
afterAll(() => server.close());

const { get, post, upload } = callsOf(() => server);

const grey = (level: number, width = 64, height = 64): Promise<Buffer> =>
  sharp({ create: { width, height, channels: 3, background: { r: level, g: level, b: level } } })
    .png()
    .toBuffer();
async function stored(content: Buffer, purpose: string): Promise<string> {
  const answer = await upload(content, 'image/png', `?name=a.png&purpose=${purpose}`);
  expect(answer.statusCode).toBe(201);
  return answer.json<{ hash: string }>().hash;
}
const seeThrough = (seed: number): Promise<Buffer> =>
  drawPicture(seed, 1).then((picture) => sharp(picture).ensureAlpha(0.5).png().toBuffer());

async function datasetOf(images: object[], name = 'rich'): Promise<string> {
  return (await post('/v1/datasets', { name, images })).json<{ id: string }>().id;
}
const words = { placeholder_token: 'sapsan', initializer_token: 'train' };
const run = (dataset_id: string, spec: object) =>
  post('/v1/runs', { dataset_id, spec: { ...words, ...spec } });

describe('a dataset', () => {
  it('has masks and captions, and is another one without them', async () => {
    const hash = await stored(await drawPicture(21, 1), 'training');
    const mask_hash = await stored(await grey(255, 32, 32), 'loss_mask');
    const image = { hash, name: '1.png', mask_hash, caption: 'a {placeholder}' };
    const dataset = datasetSchema.parse(
      (await post('/v1/datasets', { name: 'rich', images: [image] })).json(),
    );
    expect(dataset.images).toEqual([{ ...image, width: 64, height: 64 }]);
    expect(datasetSchema.parse((await get(`/v1/datasets/${dataset.id}`)).json())).toEqual(dataset);
    expect(await datasetOf([image])).toBe(dataset.id);
    expect(await datasetOf([{ hash, name: '1.png' }])).not.toBe(dataset.id);
  });

  it('is refused with a mask that does not fit or is none, and with a caption without the word', async () => {
    const hash = await stored(await drawPicture(22, 1), 'training');
    const [wide, black] = [
      await stored(await grey(255, 96, 64), 'picture'),
      await stored(await grey(0), 'picture'),
    ];
    const refused = async (beside: object) =>
      (await post('/v1/datasets', { name: 'x', images: [{ hash, name: '7.png', ...beside }] })).json();
    expect(await refused({ mask_hash: wide })).toMatchObject({
      code: 'mask.wrong_size',
      detail: expect.stringContaining('7.png'),
      given: '96×64',
    });
    expect(await refused({ mask_hash: black })).toMatchObject({
      code: 'mask.all_black',
      detail: expect.stringContaining('7.png'),
    });
    expect(await refused({ mask_hash: '0'.repeat(64) })).toMatchObject({ code: 'blob.not_found' });
    expect(await refused({ caption: 'a cat' })).toMatchObject({
      code: 'spec.invalid',
      field: 'images[0].caption',
    });
    const answer = await upload(await grey(0), 'image/png', '?name=m.png&purpose=loss_mask');
    expect(answer.json()).toMatchObject({ code: 'mask.all_black', status: 422, field: 'm.png' });
  });
});

describe('a run', () => {
  it('is refused on a dataset that lacks what it reads', async () => {
    const hashes = await Promise.all(
      [23, 24].map(async (seed) => stored(await drawPicture(seed, 1), 'training')),
    );
    const images = hashes.map((hash, index) => ({ hash, name: `${index}.png` }));
    const id = await datasetOf([{ ...images[0], caption: 'a {placeholder}' }, images[1] ?? {}], 'bare');
    expect((await run(id, { templates: 'captions' })).json()).toMatchObject({
      code: 'caption.missing',
      field: 'dataset_id',
      given: '1.png',
    });
    for (const loss_mask of ['file', 'alpha']) {
      expect((await run(id, { loss_mask })).json()).toMatchObject({ code: 'mask.missing', status: 422 });
    }
    expect((await run(id, {})).statusCode).toBe(201);
  });

  it('takes transparency for a mask, as it was uploaded to learn from', async () => {
    const bytes = await seeThrough(25);
    const kept = await datasetOf([{ hash: await stored(bytes, 'training'), name: '1.png' }], 'kept');
    expect((await run(kept, { loss_mask: 'alpha' })).statusCode).toBe(201);
    const flat = await datasetOf([{ hash: await stored(bytes, 'picture'), name: '1.png' }], 'flat');
    expect((await run(flat, { loss_mask: 'alpha' })).json()).toMatchObject({ code: 'mask.missing' });
  });
});

describe('a sweep', () => {
  it('is refused where a trial may read what a dataset lacks, and only where one learns from it', async () => {
    const bare = await datasetOf(
      [{ hash: await stored(await drawPicture(26, 1), 'training'), name: '1.png' }],
      'b',
    );
    const told = await datasetOf(
      [{ hash: await stored(await drawPicture(27, 1), 'training'), name: '1.png', caption: '{placeholder}' }],
      't',
    );
    const sweep = (pairDataset: string | undefined) =>
      post('/v1/sweeps', {
        dry_run: true,
        spec: {
          name: 'captions',
          dataset: bare,
          parameters: {
            pair: {
              values: [
                {
                  placeholder: 'sapsan',
                  initializer: 'train',
                  ...(pairDataset === undefined ? {} : { dataset: pairDataset }),
                },
              ],
            },
            templates: { values: ['object', 'captions'] },
          },
        },
      });
    expect((await sweep(undefined)).json()).toMatchObject({ code: 'caption.missing', field: 'spec.dataset' });
    expect((await sweep(told)).statusCode).toBe(200);
  });
});
