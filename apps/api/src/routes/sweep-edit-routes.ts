import {
  addPairSchema,
  decisionPageSchema,
  dropTrialsSchema,
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
import { checkDataset, editOnce } from './creation.js';

/** Changes of a sweep that lives, each put down with who, when and why; and the list of them. */
export function sweepEditRoutes(deps: ServerDeps): Route[] {
  return [
    ...plainEdits(deps),
    setConcurrency(deps),
    dropTrial(deps),
    dropTrials(deps),
    pickWinners(deps),
    extendSweep(deps),
    addPair(deps),
    listDecisions(deps),
    listFinalists(deps),
  ];
}

/** Applies an edit once: the caller's `Idempotency-Key` is the update's id. */
async function applyEdit(
  deps: ServerDeps,
  input: RouteInput<unknown, { why: string }>,
  edit: SweepEdit | ((sweep: Sweep) => Promise<SweepEdit>),
): Promise<Sweep> {
  const { store, starters } = deps;
  const {
    params: { id = '' },
    owner,
    body: { why },
  } = input;
  await editOnce(deps, input, async (updateId) => {
    const sweep = await store.sweeps.get(id);
    const checked = typeof edit === 'function' ? await edit(sweep) : edit;
    await starters.editSweep(sweep, checked, { by: owner, why, updateId });
  });
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
      isEdit: true,
      body: editRequestSchema,
      answers: { 202: sweepSchema },
      handle: (input) => applyEdit(deps, input, { kind }),
    }),
  );
}

function setConcurrency(deps: ServerDeps): Route {
  return route({
    method: 'POST',
    path: '/v1/sweeps/:id/concurrency',
    summary: 'Set how many trials may be open at once',
    tag: 'sweeps',
    isEdit: true,
    body: setConcurrencySchema,
    answers: { 202: sweepSchema },
    handle: (input) => {
      const { max_concurrent_trials } = input.body;
      return applyEdit(deps, input, { kind: 'set_concurrency', max_concurrent_trials });
    },
  });
}

function dropTrial(deps: ServerDeps): Route {
  return route({
    method: 'POST',
    path: '/v1/sweeps/:id/trials/:n/drop',
    summary: 'End one trial without a result',
    tag: 'sweeps',
    isEdit: true,
    body: editRequestSchema,
    answers: { 202: sweepSchema },
    handle: async (input) => {
      const trial = trialNumber(input.params['n']);
      return applyEdit(deps, input, { kind: 'drop_trial', trial });
    },
  });
}

function dropTrials(deps: ServerDeps): Route {
  return route({
    method: 'POST',
    path: '/v1/sweeps/:id/drop',
    summary: 'End many trials without a result; those that have ended stay as they are',
    tag: 'sweeps',
    isEdit: true,
    body: dropTrialsSchema,
    answers: { 202: sweepSchema },
    handle: (input) => applyEdit(deps, input, { kind: 'drop_trials', trials: input.body.trials }),
  });
}

function pickWinners(deps: ServerDeps): Route {
  return route({
    method: 'POST',
    path: '/v1/sweeps/:id/winners',
    summary: 'At a gate, pick the trials that train to the end; the others finish where they are',
    tag: 'sweeps',
    isEdit: true,
    body: pickWinnersSchema,
    answers: { 202: sweepSchema },
    handle: (input) => applyEdit(deps, input, { kind: 'pick_winners', trials: input.body.trials }),
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
    isEdit: true,
    body: extendSweepSchema,
    answers: { 202: sweepSchema },
    handle: (input) => {
      const { trials, steps } = input.body;
      return applyEdit(deps, input, { kind: 'extend', trials, steps });
    },
  });
}

function addPair(deps: ServerDeps): Route {
  return route({
    method: 'POST',
    path: '/v1/sweeps/:id/pairs',
    summary: 'Add a pair of words to the search',
    tag: 'sweeps',
    isEdit: true,
    body: addPairSchema,
    answers: { 202: sweepSchema },
    handle: (input) => {
      const { why: _, ...pair } = input.body;
      return applyEdit(deps, input, async ({ spec }) => {
        if (pair.dataset !== undefined) {
          const dataset = await deps.store.datasets.get(pair.dataset);
          await checkDataset(deps, dataset, needsOfSweep(spec), 'dataset');
        }
        const words = wordsOfPair(pair, vectorsOf(spec));
        await checkWords(deps, spec.model, [words], (_index, field) => field.replace(/_token$/, ''));
        return { kind: 'add_pair', pair };
      });
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
