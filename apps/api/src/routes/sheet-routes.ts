import { contactSheet, strip } from '@murnau/images';
import type { FastifyReply } from 'fastify';
import { png, route, type Route } from '../http/route.js';
import { newestByRun, spreadSamples } from '../pictures/read-samples.js';
import {
  datasetSheet,
  generationSheet,
  MOST_STEPS,
  MOST_TRIALS,
  type PlannedSheet,
  runSheet,
  runStrip,
  sweepSheet,
} from '../pictures/sheets.js';
import type { ServerDeps } from '../server-deps.js';

/** Contact sheets and strips, drawn when they are asked for. */
export function sheetRoutes(deps: ServerDeps): Route[] {
  const { store } = deps;
  return [
    sheetRoute(deps, '/v1/datasets/:id/sheet.png', 'datasets', async (id) =>
      datasetSheet(await store.datasets.get(id)),
    ),
    sheetRoute(deps, '/v1/runs/:id/sheet.png', 'runs', async (id) =>
      runSheet(await store.runs.get(id), await spreadSamples(deps, id, MOST_STEPS)),
    ),
    sheetRoute(deps, '/v1/sweeps/:id/sheet.png', 'sweeps', async (id) => {
      const [sweep, best] = await Promise.all([store.sweeps.get(id), store.sweeps.best(id, MOST_TRIALS)]);
      const samples = await newestByRun(
        deps,
        best.map((run) => run.id),
      );
      return sweepSheet(sweep, best, (runId) => samples.get(runId) ?? []);
    }),
    sheetRoute(deps, '/v1/generations/:id/sheet.png', 'generations', async (id) =>
      generationSheet(await store.generations.get(id)),
    ),
    route({
      method: 'GET',
      path: '/v1/runs/:id/strip.png',
      summary: 'One picture of each sampled step, in a row',
      tag: 'runs',
      takes: 'sheet',
      answers: { 200: png('The strip') },
      handle: async ({ params: { id = '' }, reply }) => {
        const hashes = runStrip(await store.runs.get(id), await spreadSamples(deps, id, MOST_STEPS));
        return sendPng(reply, await strip(await Promise.all(hashes.map((hash) => read(deps, hash)))));
      },
    }),
  ];
}

function sheetRoute(
  deps: ServerDeps,
  path: `/v1/${string}`,
  tag: string,
  plan: (id: string) => Promise<PlannedSheet>,
): Route {
  return route({
    method: 'GET',
    path,
    summary: 'Its contact sheet',
    tag,
    takes: 'sheet',
    answers: { 200: png('The contact sheet') },
    handle: async ({ params: { id = '' }, reply }) => sendPng(reply, await render(deps, await plan(id))),
  });
}

async function render(deps: ServerDeps, { rows, ...sheet }: PlannedSheet): Promise<Buffer> {
  const withPictures = rows.map(async ({ hashes, ...row }) => ({
    ...row,
    pictures: await Promise.all(hashes.map((hash) => (hash === null ? null : read(deps, hash)))),
  }));
  return contactSheet({ ...sheet, rows: await Promise.all(withPictures) });
}

const read = ({ store }: ServerDeps, hash: string): Promise<Buffer> =>
  store.blobs.get(hash, { verify: false });

/** It may change with the next sample: asked for again each time. */
const sendPng = (reply: FastifyReply, content: Buffer): Buffer => {
  reply.header('content-type', 'image/png').header('cache-control', 'no-cache');
  return content;
};
