import {
  embeddingFormats,
  embeddingPageSchema,
  embeddingSchema,
  familyTable,
  importEmbeddingSchema,
  listEmbeddingsQuerySchema,
} from '@murnau/domain';
import { z } from 'zod';
import { route, type Route } from '../http/route.js';
import type { ServerDeps } from '../server-deps.js';
import { checkModel, idempotencyKey } from './creation.js';

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

function importEmbedding(deps: ServerDeps): Route {
  const { store, starters } = deps;
  return route<z.output<typeof importEmbeddingSchema>, Buffer>({
    method: 'POST',
    path: '/v1/embeddings',
    summary: 'Import a learnt embedding: the body is the file, safetensors or the `.bin` of the reference',
    tag: 'embeddings',
    isCreation: true,
    query: importEmbeddingSchema,
    body: { raw: true, limitBytes: MOST_BYTES, mediaTypes: [bytes] },
    answers: { 201: embeddingSchema },
    handle: async ({ query: { model, placeholder_token }, body, owner, request }) => {
      const once = idempotencyKey(request);
      await checkModel(deps, model, 'model');
      const file = await store.blobs.put(body, bytes);
      const converted = await starters.convertEmbedding({
        fileHash: file.hash,
        model,
        ...(placeholder_token === undefined ? {} : { placeholderToken: placeholder_token }),
        toFormat: 'safetensors',
      });
      const {
        hash,
        placeholder_token: placeholder,
        initializer_token,
        num_vectors,
        pooling,
        step,
      } = converted;
      return store.embeddings.create(
        {
          placeholder_token: placeholder,
          initializer_token,
          model,
          num_vectors,
          pooling,
          step,
          owner,
          hash,
        },
        once,
      );
    },
  });
}
