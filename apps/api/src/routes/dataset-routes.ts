import { createHash } from 'node:crypto';
import {
  type CreateDataset,
  createDatasetSchema,
  type Dataset,
  datasetPageSchema,
  datasetSchema,
  listQuerySchema,
  MurnauError,
} from '@murnau/domain';
import { checkProportions, ingestLossMask, probe } from '@murnau/images';
import { Places } from '../http/places.js';
import { route, type Route } from '../http/route.js';
import type { ServerDeps } from '../server-deps.js';

export function datasetRoutes(deps: ServerDeps): Route[] {
  const { store } = deps;
  // Each is read whole. A dataset has so many pictures at most that all may wait.
  const places = new Places({ what: 'pictures to look at', units: 4, mostWaiting: Infinity });
  return [
    route({
      method: 'POST',
      path: '/v1/datasets',
      summary:
        'Make a dataset of uploaded pictures; the same pictures under the same name are the same dataset',
      tag: 'datasets',
      body: createDatasetSchema,
      answers: { 201: datasetSchema },
      handle: async ({ body, owner }) => {
        const { name, images: named } = body;
        const content = createHash('sha256').update(JSON.stringify({ name, named })).digest('hex');
        // What it holds is its key: that of the caller could only tell apart what is the same.
        const key = `content-${content}`;
        const earlier = await store.answeredWith({ owner, scope: 'dataset', key, request: body });
        if (earlier !== undefined) return store.datasets.get(earlier);
        const images = await Promise.all(
          named.map((image) =>
            places.during(async () => {
              const size = await sizeOf(deps, image);
              await checkMaskOf(deps, image, size);
              return { ...image, ...size };
            }),
          ),
        );
        return store.datasets.create({ name, owner, images }, { idempotencyKey: key, request: body });
      },
    }),
    route({
      method: 'GET',
      path: '/v1/datasets',
      summary: 'List datasets, newest first',
      tag: 'datasets',
      query: listQuerySchema,
      answers: { 200: datasetPageSchema },
      handle: ({ query }) => store.datasets.list(query),
    }),
    route({
      method: 'GET',
      path: '/v1/datasets/:id',
      summary: 'Show a dataset',
      tag: 'datasets',
      answers: { 200: datasetSchema },
      handle: ({ params: { id = '' } }) => store.datasets.get(id),
    }),
  ];
}

/** @throws `mask.wrong_size`, `mask.all_black`, and as `checkPicture` */
async function checkMaskOf(
  { store }: ServerDeps,
  { name, mask_hash }: CreateDataset['images'][number],
  picture: { width: number; height: number },
): Promise<void> {
  if (mask_hash === undefined) return;
  await store.blobs.describe(mask_hash);
  const names = { mask: `the mask of ${name}`, picture: name };
  const mask = await ingestLossMask(await store.blobs.get(mask_hash), { name: names.mask });
  checkProportions(mask, picture, names);
}

/** @throws `image.unreadable` for a file that was not uploaded, and so not checked, as a picture */
async function sizeOf(
  { store }: ServerDeps,
  { hash, name }: CreateDataset['images'][number],
): Promise<Pick<Dataset['images'][number], 'width' | 'height'>> {
  const { media_type } = await store.blobs.describe(hash);
  if (!media_type.startsWith('image/')) {
    throw new MurnauError('image.unreadable', `${name} was not uploaded as a picture.`, {
      field: name,
      given: media_type,
      allowed: 'a file uploaded with its Content-Type: image/png, image/jpeg or image/webp',
    });
  }
  const { width, height } = await probe(await store.blobs.get(hash));
  return { width, height };
}
