import {
  generationPageSchema,
  generationRequestSchema,
  generationSchema,
  listQuerySchema,
  MurnauError,
  wordsOf,
} from '@murnau/domain';
import type { Embedding, Generation, GenerationRequest } from '@murnau/domain';
import type { Once } from '@murnau/store';
import { route, type Route } from '../http/route.js';
import type { ServerDeps } from '../server-deps.js';
import { checkModel, checkTask, createOnce, editOnce, startStored } from './creation.js';
import { checkBudget } from './drawing-budget.js';
import { checkKeys, givenKeys } from './family-keys.js';
import { checkInputs } from './generation-inputs.js';

export function generationRoutes(deps: ServerDeps): Route[] {
  const { store, starters } = deps;
  return [
    route({
      method: 'POST',
      path: '/v1/generations',
      summary: 'Draw pictures by one of four tasks, with learnt embeddings where the texts name them',
      tag: 'generations',
      isCreation: true,
      body: generationRequestSchema,
      answers: { 201: generationSchema },
      handle: (input) =>
        createOnce(deps, input, {
          scope: 'generation',
          asked: input.body,
          get: (id) => store.generations.get(id),
          create: (once) => drawOnce(deps, input, once),
        }),
    }),
    route({
      method: 'GET',
      path: '/v1/generations',
      summary: 'List generations, newest first',
      tag: 'generations',
      query: listQuerySchema,
      answers: { 200: generationPageSchema },
      handle: ({ query }) => store.generations.list(query),
    }),
    route({
      method: 'GET',
      path: '/v1/generations/:id',
      summary: 'Show a generation',
      tag: 'generations',
      answers: { 200: generationSchema },
      handle: ({ params: { id = '' } }) => store.generations.get(id),
    }),
    route({
      method: 'POST',
      path: '/v1/generations/:id/cancel',
      summary: 'Cancel a generation',
      tag: 'generations',
      isEdit: true,
      answers: { 202: generationSchema },
      handle: async (input) => {
        const {
          params: { id = '' },
          owner,
        } = input;
        await editOnce(deps, input, async () =>
          starters.cancelGeneration(await store.generations.get(id), owner),
        );
        return store.generations.get(id);
      },
    }),
  ];
}

async function drawOnce(
  deps: ServerDeps,
  { body, owner }: { body: GenerationRequest; owner: string },
  once: Once,
): Promise<Generation> {
  const { store, starters } = deps;
  await checkModel(deps, body.model, 'model');
  await checkTask(deps, { model: body.model, task: body.task, field: 'task' });
  await checkKeys(deps, body.model, givenKeys(body, String));
  const embedding_ids = await chooseEmbeddings(deps, body);
  const { checked, picture } = await checkInputs(deps, body);
  await checkBudget(deps, checked, picture);
  const generation = await store.generations.create({ owner, request: { ...checked, embedding_ids } }, once);
  await startStored(deps, { kind: 'generation', id: generation.id }, () =>
    starters.startGeneration(generation),
  );
  return generation;
}

/** Named ones as they are; else the newest of each learnt word in the texts. Fixed here, so a repetition draws the same. */
async function chooseEmbeddings({ store }: ServerDeps, request: GenerationRequest): Promise<string[]> {
  const { model, embedding_ids } = request;
  if (embedding_ids === undefined) {
    return (await store.embeddings.newest(model, wordsOf(request))).map(({ id }) => id);
  }
  const embeddings = await Promise.all(embedding_ids.map((id) => store.embeddings.get(id)));
  embeddings.forEach((embedding, index) => checkEmbedding(embedding, index, embeddings, model));
  return embedding_ids;
}

function checkEmbedding(embedding: Embedding, index: number, all: readonly Embedding[], model: string): void {
  const field = `embedding_ids[${index}]`;
  const { id, placeholder_token } = embedding;
  if (embedding.model !== model) {
    throw new MurnauError(
      'embedding.wrong_model',
      `Embedding ${id} was learnt on ${embedding.model}, not ${model}`,
      {
        field,
        given: id,
        allowed: `embeddings of ${model}`,
      },
    );
  }
  const earlier = all.slice(0, index).find((other) => other.placeholder_token === placeholder_token);
  if (earlier === undefined) return;
  throw new MurnauError(
    'embedding.placeholder_clash',
    `Embeddings ${earlier.id} and ${id} both stand for "${placeholder_token}"`,
    { field, given: id },
  );
}
