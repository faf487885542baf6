import { createHash } from 'node:crypto';
import {
  type Embedding,
  embeddingFormats,
  embeddingPageSchema,
  embeddingSchema,
  familyTable,
  importEmbeddingSchema,
  listEmbeddingsQuerySchema,
} from '@murnau/domain';
import type { Once } from '@murnau/store';
import { z } from 'zod';
import { route, type Route, type RouteInput } from '../http/route.js';
import type { ServerDeps } from '../server-deps.js';
import { checkModel, createOnce } from './creation.js';

const MOST_BYTES = 4 * 1024 * 1024;
const fileQuery = z.strictObject({ format: z.enum(embeddingFormats).default('safetensors') });
const bytes = 'application/octet-stream';

export function embeddingRoutes(deps: ServerDeps): Route[] {
  const { store } = deps;
  return [
    route({
      method: 'GET',
      path: '/v1/embeddings',
      summary: 'List learnt embeddings, newest first',
      tag: 'embeddings',
      query: listEmbeddingsQuerySchema,
      answers: { 200: embeddingPageSchema },
      handle: ({ query }) => store.embeddings.list(query),
    }),
    route({
      method: 'GET',
      path: '/v1/embeddings/:id',
      summary: 'Show a learnt embedding',
      tag: 'embeddings',
      answers: { 200: embeddingSchema },
      handle: ({ params: { id = '' } }) => store.embeddings.get(id),
    }),
    exportEmbedding(deps),
    importEmbedding(deps),
  ];
}

/** What a file's name ends in. */
const suffixes: ReadonlyMap<string, string> = new Map(
  Object.values(familyTable).flatMap((family) =>
    family.embedding_formats.map(({ name, suffix }) => [name, suffix] as const),
  ),
);

function exportEmbedding({ store, starters }: ServerDeps): Route {
  return route({
    method: 'GET',
    path: '/v1/embeddings/:id/file',
    summary: 'The file of a learnt embedding',
    tag: 'embeddings',
    query: fileQuery,
    answers: {
      200: {
        mediaTypes: [bytes],
        description: 'safetensors, the `.bin` of the reference, or one tower for diffusers',
      },
    },
    handle: async ({ params: { id = '' }, query: { format }, reply }) => {
      const { hash, model, placeholder_token } = await store.embeddings.get(id);
      const converted =
        format === 'safetensors'
          ? hash
          : (await starters.convertEmbedding({ fileHash: hash, model, toFormat: format })).hash;
      reply.header('content-type', bytes);
      const name = `${placeholder_token}-${id}.${suffixes.get(format) ?? format}`;
      reply.header('content-disposition', `attachment; filename="${name}"`);
      return store.blobs.get(converted);
    },
  });
}

type ImportQuery = z.output<typeof importEmbeddingSchema>;

function importEmbedding(deps: ServerDeps): Route {
  const { store } = deps;
  return route<ImportQuery, Buffer>({
    method: 'POST',
    path: '/v1/embeddings',
    summary: 'Import a learnt embedding: the body is the file, safetensors or the `.bin` of the reference',
    tag: 'embeddings',
    isCreation: true,
    query: importEmbeddingSchema,
    body: { raw: true, limitBytes: MOST_BYTES, mediaTypes: [bytes] },
    answers: { 201: embeddingSchema },
    handle: (input) =>
      createOnce(deps, input, {
        scope: 'embedding',
        asked: { ...input.query, file: createHash('sha256').update(input.body).digest('hex') },
        get: (id) => store.embeddings.get(id),
        create: (once) => importOnce(deps, input, once),
      }),
  });
}

async function importOnce(
  deps: ServerDeps,
  { query: { model, placeholder_token }, body, owner }: RouteInput<ImportQuery, Buffer>,
  once: Once,
): Promise<Embedding> {
  const { store, starters } = deps;
  await checkModel(deps, model, 'model');
  const file = await store.blobs.put(body, bytes);
  const converted = await starters.convertEmbedding({
    fileHash: file.hash,
    model,
    ...(placeholder_token === undefined ? {} : { placeholderToken: placeholder_token }),
    toFormat: 'safetensors',
  });
  const { hash, placeholder_token: placeholder, initializer_token, num_vectors, pooling, step } = converted;
  const learnt = { initializer_token, num_vectors, pooling, step, hash };
  return store.embeddings.create({ placeholder_token: placeholder, model, owner, ...learnt }, once);
}
