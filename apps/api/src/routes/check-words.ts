import {
  checkWordsSchema,
  initializerFields,
  initializersOf,
  MurnauError,
  wordsCheckedSchema,
} from '@murnau/domain';
import type { Initializers, Pair } from '@murnau/domain';
import { route, type Route } from '../http/route.js';
import type { ServerDeps } from '../server-deps.js';
import { checkModel, checkTask } from './creation.js';
import { checkKeys, givenKeys } from './family-keys.js';

/** What the rows of a run are called and begin as. */
export interface Words {
  readonly placeholder_token: string;
  readonly initializer_token: string;
  /** Words that single towers' rows begin as instead, by the tower's name. */
  readonly initializers: Readonly<Record<string, string>>;
  readonly initializer_embedding?: string | undefined;
  /** The fewest and the most vectors that a run of these words learns. */
  readonly vectors: { readonly least: number; readonly most: number };
}

type WordsOfSpec = Omit<Words, 'vectors' | 'initializers'> & Initializers & { num_vectors: number };

export const wordsOfSpec = (spec: WordsOfSpec): Words => ({
  placeholder_token: spec.placeholder_token,
  initializer_token: spec.initializer_token,
  initializers: initializersOf(spec),
  initializer_embedding: spec.initializer_embedding,
  vectors: { least: spec.num_vectors, most: spec.num_vectors },
});

export const wordsOfPair = (pair: Pair, vectors: Words['vectors']): Words => ({
  placeholder_token: pair.placeholder,
  initializer_token: pair.initializer,
  initializers: initializersOf(pair),
  initializer_embedding: pair.initializer_embedding,
  vectors,
});

/** Asked for all that runs of them need; `fieldOf` names a field of one of them as the request does. */
export async function checkWords(
  deps: ServerDeps,
  model: string,
  words: readonly Words[],
  fieldOf: (index: number, field: string) => string,
): Promise<boolean> {
  const given = words.map(({ initializers }, index) =>
    givenKeys(initializerFields(initializers), (field) => fieldOf(index, field)),
  );
  await checkKeys(deps, model, given.flat());
  for (const [index, each] of words.entries()) {
    await checkInitializerEmbedding(deps, model, each, (field) => fieldOf(index, field));
  }
  return checkTokens(deps, model, words, fieldOf);
}

/**
 * Refuses words that a tokenizer of the model cannot take as one new or as known tokens.
 * With no worker answering in time the words are checked again where the run starts, so nothing is refused then.
 * @returns whether a worker was asked
 */
async function checkTokens(
  { store, starters, log }: ServerDeps,
  model: string,
  words: readonly Words[],
  fieldOf: (index: number, field: string) => string,
): Promise<boolean> {
  const workers = await store.workers.list();
  if (!workers.some(({ state, models }) => state === 'online' && models.some(({ name }) => name === model)))
    return false;
  try {
    const [problem] = await starters.checkTokens({ model, words: words.map(asked) });
    if (problem === undefined) return true;
    const { index, code, message, field, given, allowed } = problem;
    const path = field === undefined ? undefined : fieldOf(index, field.replace(/^spec\./, ''));
    throw new MurnauError(code, message, { field: path, given, allowed });
  } catch (error) {
    const isAway =
      error instanceof MurnauError &&
      (error.code === 'worker.unavailable' || error.code === 'temporal.unavailable');
    if (!isAway) throw error;
    log.warn({ code: error.code, model }, 'words not checked before the start');
    return false;
  }
}

/** Where the rows begin as an embedding, the initializer is only a word to compare with, whatever it says. */
const asked = ({ vectors, initializer_embedding, ...words }: Words) =>
  initializer_embedding === undefined
    ? { ...words, num_vectors: vectors.least }
    : { placeholder_token: words.placeholder_token, initializer_token: '' };

/** @throws MurnauError `embedding.not_found`, `embedding.wrong_model` or `spec.invalid` */
async function checkInitializerEmbedding(
  { store }: ServerDeps,
  model: string,
  { initializer_embedding: id, vectors: { least, most } }: Words,
  fieldOf: (field: string) => string,
): Promise<void> {
  if (id === undefined) return;
  const field = fieldOf('initializer_embedding');
  const [embedding] = await store.embeddings.getMany([id]);
  if (embedding === undefined) {
    throw new MurnauError('embedding.not_found', `There is no embedding ${id}`, { field, given: id });
  }
  const named = `The embedding ${id} of "${embedding.placeholder_token}"`;
  if (embedding.model !== model) {
    throw new MurnauError(
      'embedding.wrong_model',
      `${named} was learnt on ${embedding.model}, not on ${model}`,
      {
        field,
        given: embedding.model,
        allowed: model,
      },
    );
  }
  const { num_vectors } = embedding;
  if (least === num_vectors && most === num_vectors) return;
  const wanted = least === most ? `${least}` : `${least} to ${most}`;
  throw new MurnauError(
    'spec.invalid',
    `${named} has num_vectors ${num_vectors}, what begins as it has ${wanted}: set num_vectors to ${num_vectors}`,
    { field, given: `num_vectors ${num_vectors}`, allowed: `num_vectors ${wanted}` },
  );
}

export function wordRoutes(deps: ServerDeps): Route[] {
  return [
    route({
      method: 'POST',
      path: '/v1/word-checks',
      summary: 'Check words before pictures are sent: refused as a run or a sweep of them would be',
      tag: 'runs',
      body: checkWordsSchema,
      answers: { 200: wordsCheckedSchema },
      handle: async ({ body: { model, words } }) => {
        await checkModel(deps, model, 'model');
        await checkTask(deps, { model, task: 'train', field: 'model' });
        const given = words.map(wordsOfSpec);
        return {
          checked: await checkWords(deps, model, given, (index, field) => `words[${index}].${field}`),
        };
      },
    }),
  ];
}
