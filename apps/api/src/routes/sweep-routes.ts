import {
  createSweepSchema,
  type DatasetNeeds,
  editRequestSchema,
  eventListSchema,
  expectedPictures,
  expandTrials,
  leaderboardPageSchema,
  listEventsQuerySchema,
  listQuerySchema,
  listSweepsQuerySchema,
  MurnauError,
  needsOfSweep,
  type PlannedTrial,
  presetValues,
  previewTrials,
  searchedValues,
  spaceNotices,
  type Sweep,
  type SweepFile,
  sweepPageSchema,
  type SweepPlan,
  sweepPlanSchema,
  sweepSchema,
  vectorsOf,
} from '@murnau/domain';
import type { Once } from '@murnau/store';
import { route, type Route } from '../http/route.js';
import type { ServerDeps } from '../server-deps.js';
import { checkWords, wordsOfPair } from './check-words.js';
import { checkDataset, checkModel, checkTask, createOnce, editOnce, startStored } from './creation.js';
import { checkKeys, familyOf, givenKeys } from './family-keys.js';
import { sweepEditRoutes } from './sweep-edit-routes.js';

export function sweepRoutes(deps: ServerDeps): Route[] {
  return [createSweep(deps), ...readSweeps(deps), ...sweepEditRoutes(deps), cancelSweep(deps)];
}

/** No more trials than the budget has. */
const planOf = (spec: SweepFile): PlannedTrial[] => expandTrials(spec).slice(0, spec.budget?.trials);

function createSweep(deps: ServerDeps): Route {
  const { store } = deps;
  return route({
    method: 'POST',
    path: '/v1/sweeps',
    summary: 'Create and start a sweep, or only plan it (dry_run)',
    tag: 'sweeps',
    isCreation: true,
    body: createSweepSchema,
    answers: { 201: sweepSchema, 200: sweepPlanSchema },
    handle: async (input): Promise<unknown> => {
      const { body, reply } = input;
      if (!body.dry_run) {
        return createOnce(deps, input, {
          scope: 'sweep',
          asked: body,
          get: (id) => store.sweeps.get(id),
          create: (once) => storeSweep(deps, input, once),
        });
      }
      const spec = await withFamily(deps, body.spec);
      await checkSweep(deps, spec, planOf(spec));
      reply.status(200);
      return { ...toPlan(previewTrials(spec)), notices: spaceNotices(spec) };
    },
  });
}

/** Its trials' defaults are those of the model's family, where a worker has named one. */
async function withFamily(deps: ServerDeps, spec: SweepFile): Promise<SweepFile> {
  const family = await familyOf(deps, spec.model);
  return family === undefined ? spec : { ...spec, family };
}

async function storeSweep(
  deps: ServerDeps,
  { body, owner }: { body: { spec: SweepFile }; owner: string },
  once: Once,
): Promise<Sweep> {
  const { store, starters } = deps;
  const spec = await withFamily(deps, body.spec);
  const trials = planOf(spec);
  await checkSweep(deps, spec, trials);
  const planned = trials.map(({ dataset, ...trial }) => ({ ...trial, dataset_id: dataset }));
  const notices = spaceNotices(spec);
  const sweep = await store.sweeps.create({ owner, spec, trials: planned, notices }, once);
  await startStored(deps, { kind: 'sweep', id: sweep.id }, () => starters.startSweep(sweep));
  return sweep;
}

async function checkSweep(deps: ServerDeps, spec: SweepFile, trials: readonly PlannedTrial[]): Promise<void> {
  if (trials.length === 0 && spec.method !== 'tpe') {
    throw new MurnauError('spec.invalid', 'sweep file: there is no trial to run', {
      field: 'spec.parameters',
    });
  }
  const { values: pairs } = spec.parameters.pair;
  await checkDatasets(
    deps,
    [
      { field: 'spec.dataset', id: spec.dataset, isUsed: pairs.some(({ dataset }) => dataset === undefined) },
      ...pairs.flatMap(({ dataset: id }, index) =>
        id === undefined
          ? []
          : [{ field: `spec.parameters.pair.values[${index}].dataset`, id, isUsed: true }],
      ),
    ],
    needsOfSweep(spec),
  );
  await checkModel(deps, spec.model, 'spec.model');
  await checkTask(deps, { model: spec.model, task: 'train', field: 'spec.model' });
  await checkKeys(deps, spec.model, [
    ...givenKeys(presetValues(spec.preset, spec.family), () => 'spec.preset'),
    ...givenKeys(searchedValues(spec), (key) => `spec.parameters.${key}`),
  ]);
  await checkWords(
    deps,
    spec.model,
    pairs.map((pair) => wordsOfPair(pair, vectorsOf(spec))),
    (index, field) => `spec.parameters.pair.values[${index}].${field.replace(/_token$/, '')}`,
  );
}

/** A sweep whose pairs all name their own dataset still names one that exists. */
async function checkDatasets(
  deps: ServerDeps,
  named: readonly { field: string; id: string; isUsed: boolean }[],
  needs: DatasetNeeds,
): Promise<void> {
  const found = await deps.store.datasets.getMany(named.map(({ id }) => id));
  const known = new Map(found.map((dataset) => [dataset.id, dataset]));
  for (const { field, id, isUsed } of named) {
    const dataset = known.get(id);
    if (dataset === undefined) {
      throw new MurnauError('dataset.not_found', `There is no dataset ${id}`, { field, given: id });
    }
    if (isUsed) await checkDataset(deps, dataset, needs, field);
  }
}

function toPlan(trials: readonly PlannedTrial[]): Omit<SweepPlan, 'notices'> {
  return {
    trials: trials.map(({ trial, parameters, spec }) => ({ trial, parameters, spec })),
    steps: trials.reduce((sum, { spec }) => sum + spec.max_steps, 0),
    pictures: trials.reduce((sum, { spec }) => sum + expectedPictures(spec), 0),
  };
}

function readSweeps({ store }: ServerDeps): Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/sweeps',
      summary: 'List sweeps, newest first',
      tag: 'sweeps',
      query: listSweepsQuerySchema,
      answers: { 200: sweepPageSchema },
      handle: ({ query }) => store.sweeps.list(query),
    }),
    route({
      method: 'GET',
      path: '/v1/sweeps/:id',
      summary: 'Show a sweep',
      tag: 'sweeps',
      answers: { 200: sweepSchema },
      handle: ({ params: { id = '' } }) => store.sweeps.get(id),
    }),
    route({
      method: 'GET',
      path: '/v1/sweeps/:id/trials',
      summary: "A sweep's runs, best first by its metric",
      tag: 'sweeps',
      query: listQuerySchema,
      answers: { 200: leaderboardPageSchema },
      handle: ({ params: { id = '' }, query }) => store.sweeps.leaderboard(id, query),
    }),
    route({
      method: 'GET',
      path: '/v1/sweeps/:id/log',
      summary: 'The stored events of a sweep and its trials, oldest first',
      tag: 'sweeps',
      query: listEventsQuerySchema,
      answers: { 200: eventListSchema },
      handle: async ({ params: { id = '' }, query }) => {
        await store.sweeps.brief(id);
        return { items: await store.events.list({ sweepId: id }, query) };
      },
    }),
  ];
}

function cancelSweep(deps: ServerDeps): Route {
  const { store, starters } = deps;
  return route({
    method: 'POST',
    path: '/v1/sweeps/:id/cancel',
    summary: 'Cancel a sweep and its trials',
    tag: 'sweeps',
    isEdit: true,
    body: editRequestSchema,
    answers: { 202: sweepSchema },
    handle: async (input) => {
      const {
        params: { id = '' },
        body: { why },
        owner,
      } = input;
      await editOnce(deps, input, async () => starters.cancelSweep(await store.sweeps.get(id), owner, why));
      return store.sweeps.get(id);
    },
  });
}
