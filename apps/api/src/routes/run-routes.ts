import {
  createRunSchema,
  editRequestSchema,
  eventListSchema,
  forkRunSchema,
  listEventsQuerySchema,
  listMetricsQuerySchema,
  listRunsQuerySchema,
  listSamplesQuerySchema,
  metricPageSchema,
  needsOfRun,
  runEditKinds,
  runPageSchema,
  runSchema,
  samplePageSchema,
  type TrainingSpec,
} from '@murnau/domain';
import { route, type Route } from '../http/route.js';
import type { ServerDeps } from '../server-deps.js';
import { checkWords, wordsOfSpec } from './check-words.js';
import { checkDataset, checkModel, checkTask, createOnce, editOnce, startStored } from './creation.js';
import { checkKeys, givenKeys } from './family-keys.js';

export function runRoutes(deps: ServerDeps): Route[] {
  return [createRun(deps), ...readRuns(deps), ...editRun(deps), forkRun(deps), cancelRun(deps)];
}

function createRun(deps: ServerDeps): Route {
  const { store, starters } = deps;
  return route({
    method: 'POST',
    path: '/v1/runs',
    summary: 'Create and start a training run',
    tag: 'runs',
    isCreation: true,
    body: createRunSchema,
    answers: { 201: runSchema },
    handle: (input) =>
      createOnce(deps, input, {
        scope: 'run',
        asked: input.body,
        get: (id) => store.runs.get(id),
        create: async (once) => {
          const {
            body: { name, dataset_id, spec },
            owner,
          } = input;
          await checkRun(deps, dataset_id, spec);
          const run = await store.runs.create({ owner, name, dataset_id, spec }, once);
          await startStored(deps, { kind: 'run', id: run.id }, () => starters.startTrainingRun(run));
          return run;
        },
      }),
  });
}

async function checkRun(deps: ServerDeps, datasetId: string, spec: TrainingSpec): Promise<void> {
  await checkDataset(deps, await deps.store.datasets.get(datasetId), needsOfRun(spec), 'dataset_id');
  await checkModel(deps, spec.model, 'spec.model');
  await checkTask(deps, { model: spec.model, task: 'train', field: 'spec.model' });
  await checkKeys(
    deps,
    spec.model,
    givenKeys(spec, (key) => `spec.${key}`),
  );
  await checkWords(deps, spec.model, [wordsOfSpec(spec)], (_, field) => `spec.${field}`);
}

function readRuns({ store }: ServerDeps): Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/runs',
      summary: 'List runs, newest first',
      tag: 'runs',
      query: listRunsQuerySchema,
      answers: { 200: runPageSchema },
      handle: ({ query }) => store.runs.list(query),
    }),
    route({
      method: 'GET',
      path: '/v1/runs/:id',
      summary: 'Show a run',
      tag: 'runs',
      answers: { 200: runSchema },
      handle: ({ params: { id = '' } }) => store.runs.get(id),
    }),
    route({
      method: 'GET',
      path: '/v1/runs/:id/metrics',
      summary: 'The certified metrics of a run, by step',
      tag: 'runs',
      query: listMetricsQuerySchema,
      answers: { 200: metricPageSchema },
      handle: ({ params: { id = '' }, query: { names, ...query } }) =>
        store.runs.metrics(id, { ...query, names: names?.split(',').map((name) => name.trim()) }),
    }),
    route({
      method: 'GET',
      path: '/v1/runs/:id/samples',
      summary: 'The certified pictures of a run, by step',
      tag: 'runs',
      query: listSamplesQuerySchema,
      answers: { 200: samplePageSchema },
      handle: ({ params: { id = '' }, query }) => store.runs.samples(id, query),
    }),
    route({
      method: 'GET',
      path: '/v1/runs/:id/log',
      summary: 'The stored events of a run, oldest first',
      tag: 'runs',
      query: listEventsQuerySchema,
      answers: { 200: eventListSchema },
      handle: async ({ params: { id = '' }, query }) => {
        await store.runs.get(id);
        return { items: await store.events.list({ runId: id }, query) };
      },
    }),
  ];
}

const editSummaries = {
  pause: 'Pause a run: it checkpoints and holds no device',
  resume: 'Let a paused run go on',
  stop: 'Finish a run now, with the embedding of its newest checkpoint',
} as const;

function editRun(deps: ServerDeps): Route[] {
  const { store, starters } = deps;
  return runEditKinds.map((kind) =>
    route({
      method: 'POST',
      path: `/v1/runs/:id/${kind}`,
      summary: editSummaries[kind],
      tag: 'runs',
      isEdit: true,
      body: editRequestSchema,
      answers: { 202: runSchema },
      handle: async (input) => {
        const {
          params: { id = '' },
          body: { why },
          owner,
        } = input;
        await editOnce(deps, input, async (updateId) =>
          starters.editRun(await store.runs.get(id), kind, { by: owner, why, updateId }),
        );
        return store.runs.get(id);
      },
    }),
  );
}

function forkRun(deps: ServerDeps): Route {
  const { store, starters } = deps;
  return route({
    method: 'POST',
    path: '/v1/runs/:id/fork',
    summary: "Start a new run from one's stored checkpoint",
    tag: 'runs',
    isCreation: true,
    body: forkRunSchema,
    answers: { 201: runSchema },
    handle: (input) => {
      const {
        params: { id: of = '' },
        body,
        owner,
      } = input;
      return createOnce(deps, input, {
        scope: 'run',
        asked: { fork: of, ...body },
        get: (id) => store.runs.get(id),
        create: async (once) => {
          const { from_step, name, spec } = body;
          const given = Object.entries(spec).filter(([, value]) => value !== undefined);
          const changes = Object.fromEntries(given);
          const run = await store.runs.fork(of, { owner, name, from_step, changes }, once);
          await startStored(deps, { kind: 'run', id: run.id }, () => starters.startTrainingRun(run));
          return run;
        },
      });
    },
  });
}

function cancelRun(deps: ServerDeps): Route {
  const { store, starters } = deps;
  return route({
    method: 'POST',
    path: '/v1/runs/:id/cancel',
    summary: 'Cancel a run',
    tag: 'runs',
    isEdit: true,
    body: editRequestSchema,
    answers: { 202: runSchema },
    handle: async (input) => {
      const {
        params: { id = '' },
        body: { why },
        owner,
      } = input;
      await editOnce(deps, input, async () => starters.cancelRun(await store.runs.get(id), owner, why));
      return store.runs.get(id);
    },
  });
}
