import { createHash } from 'node:crypto';
import {
  createDatasetSchema,
  type Dataset,
  datasetPageSchema,
  datasetSchema,
  listQuerySchema,
} from '@murnau/domain';
import { probe } from '@murnau/images';
import { route, type Route } from '../http/route.js';
import type { ServerDeps } from '../server-deps.js';

export function datasetRoutes(deps: ServerDeps): Route[] {
  const { store } = deps;
  return [
    route({
      method: 'POST',
      path: '/v1/datasets',
      summary:
        'Make a dataset of uploaded pictures; the same pictures under the same name are the same dataset',
      tag: 'datasets',
      body: createDatasetSchema,
      answers: { 201: datasetSchema },
      handle: async ({ body: { name, images: named }, owner }) => {
        const images = await Promise.all(
          named.map(async (image) => ({ ...image, ...(await sizeOf(deps, image.hash)) })),
        );
        const content = createHash('sha256').update(JSON.stringify({ name, named })).digest('hex');
        // What it holds is its key: that of the caller could only tell apart what is the same.
        return store.datasets.create({ name, owner, images }, { idempotencyKey: `content-${content}` });
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

async function sizeOf(
  { store }: ServerDeps,
  hash: string,
): Promise<Pick<Dataset['images'][number], 'width' | 'height'>> {
  await store.blobs.describe(hash);
  const { width, height } = await probe(await store.blobs.get(hash));
  return { width, height };
}
