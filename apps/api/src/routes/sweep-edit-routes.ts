import { randomUUID } from 'node:crypto';
import {
  addPairSchema,
  decisionPageSchema,
  editRequestSchema,
  extendSweepSchema,
  finalistListSchema,
  listDecisionsQuerySchema,
  MurnauError,
  needsOfSweep,
  pickWinnersSchema,
  setConcurrencySchema,
  type Sweep,
  type SweepEdit,
  sweepSchema,
  vectorsOf,
} from '@murnau/domain';
import { route, type Route, type RouteInput } from '../http/route.js';
import type { ServerDeps } from '../server-deps.js';
import { checkWords, wordsOfPair } from './check-words.js';
import { checkDataset, idempotencyKey } from './creation.js';

/** Changes of a sweep that lives, each put down with who, when and why; and the list of them. */
export function sweepEditRoutes(deps: ServerDeps): Route[] {
  return [
    ...plainEdits(deps),
    setConcurrency(deps),
    dropTrial(deps),
    pickWinners(deps),
    extendSweep(deps),
    addPair(deps),
    listDecisions(deps),
    listFinalists(deps),
  ];
}

/** Applies an edit once: the caller's `Idempotency-Key` is the update's id. */
async function applyEdit(
  { store, starters }: ServerDeps,
  { params: { id = '' }, owner, request }: Pick<RouteInput<unknown, unknown>, 'params' | 'owner' | 'request'>,
  edit: SweepEdit,
  why: string,
): Promise<Sweep> {
  const { idempotencyKey: updateId = randomUUID() } = idempotencyKey(request);
  await starters.editSweep(await store.sweeps.get(id), edit, { by: owner, why, updateId });
  return store.sweeps.get(id);
}

const plain = {
  pause: ['pause', 'Pause a sweep: its running trials checkpoint and free their slots'],
  resume: ['resume', 'Let a paused sweep go on'],
  stop: ['stop', 'Start no further trial; those that run end by themselves'],
  retry: ['retry_failed', 'Begin the failed trials again from their newest checkpoints'],
} as const;

function plainEdits(deps: ServerDeps): Route[] {
  return Object.entries(plain).map(([verb, [kind, summary]]) =>
    route({
      method: 'POST',
      path: `/v1/sweeps/:id/${verb}`,
      summary,
      tag: 'sweeps',
      isCreation: true,
      body: editRequestSchema,
      answers: { 202: sweepSchema },
      handle: async (input) => {
        input.reply.status(202);
        return applyEdit(deps, input, { kind }, input.body.why);
      },
    }),
  );
}

function setConcurrency(deps: ServerDeps): Route {
  return route({
    method: 'POST',
    path: '/v1/sweeps/:id/concurrency',
    summary: 'Set how many trials may be open at once',
    tag: 'sweeps',
    isCreation: true,
    body: setConcurrencySchema,
    answers: { 202: sweepSchema },
    handle: async (input) => {
      const { why, max_concurrent_trials } = input.body;
      input.reply.status(202);
      return applyEdit(deps, input, { kind: 'set_concurrency', max_concurrent_trials }, why);
    },
  });
}

function dropTrial(deps: ServerDeps): Route {
  return route({
    method: 'POST',
    path: '/v1/sweeps/:id/trials/:n/drop',
    summary: 'End one trial without a result',
    tag: 'sweeps',
    isCreation: true,
    body: editRequestSchema,
    answers: { 202: sweepSchema },
    handle: async (input) => {
      const trial = trialNumber(input.params['n']);
      input.reply.status(202);
      return applyEdit(deps, input, { kind: 'drop_trial', trial }, input.body.why);
    },
  });
}

function pickWinners(deps: ServerDeps): Route {
  return route({
    method: 'POST',
    path: '/v1/sweeps/:id/winners',
    summary: 'At a gate, pick the trials that train to the end; the others finish where they are',
    tag: 'sweeps',
    isCreation: true,
    body: pickWinnersSchema,
    answers: { 202: sweepSchema },
    handle: async (input) => {
      const { why, trials } = input.body;
      input.reply.status(202);
      return applyEdit(deps, input, { kind: 'pick_winners', trials }, why);
    },
  });
}

function listFinalists({ store }: ServerDeps): Route {
  return route({
    method: 'GET',
    path: '/v1/sweeps/:id/finalists',
    summary: 'The trials that were trained again on several seeds, best mean first',
    tag: 'sweeps',
    answers: { 200: finalistListSchema },
    handle: async ({ params: { id = '' } }) => ({ items: await store.sweeps.finalists(id) }),
  });
}

function extendSweep(deps: ServerDeps): Route {
  return route({
    method: 'POST',
    path: '/v1/sweeps/:id/extend',
    summary: 'Add trials to the search, or steps to the trials that came to their last one',
    tag: 'sweeps',
    isCreation: true,
    body: extendSweepSchema,
    answers: { 202: sweepSchema },
    handle: async (input) => {
      const { why, trials, steps } = input.body;
      input.reply.status(202);
      return applyEdit(deps, input, { kind: 'extend', trials, steps }, why);
    },
  });
}

function addPair(deps: ServerDeps): Route {
  return route({
    method: 'POST',
    path: '/v1/sweeps/:id/pairs',
    summary: 'Add a pair of words to the search',
    tag: 'sweeps',
    isCreation: true,
    body: addPairSchema,
    answers: { 202: sweepSchema },
    handle: async (input) => {
      const { why, ...pair } = input.body;
      const { spec } = await deps.store.sweeps.get(input.params['id'] ?? '');
      if (pair.dataset !== undefined) {
        const dataset = await deps.store.datasets.get(pair.dataset);
        await checkDataset(deps, dataset, needsOfSweep(spec), 'dataset');
      }
      const words = wordsOfPair(pair, vectorsOf(spec));
      await checkWords(deps, spec.model, [words], (_, field) => field.replace(/_token$/, ''));
      input.reply.status(202);
      return applyEdit(deps, input, { kind: 'add_pair', pair }, why);
    },
  });
}

function trialNumber(given = ''): number {
  if (/^[0-9]{1,6}$/.test(given)) return Number(given);
  throw new MurnauError('request.invalid', `"${given}" is not the number of a trial`, {
    field: 'n',
    given,
    allowed: 'a whole number from 0 up',
  });
}

function listDecisions({ store }: ServerDeps): Route {
  return route({
    method: 'GET',
    path: '/v1/sweeps/:id/decisions',
    summary: 'What was decided and asked, by whom and why, newest first',
    tag: 'sweeps',
    query: listDecisionsQuerySchema,
    answers: { 200: decisionPageSchema },
    handle: ({ params: { id = '' }, query }) => store.sweeps.decisions(id, query),
  });
}
