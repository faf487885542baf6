import { serverInfoSchema, statusSchema, type Status, workerListSchema } from '@murnau/domain';
import { z } from 'zod';
import { route, type Route } from '../http/route.js';
import type { ServerDeps } from '../server-deps.js';

const PING_MS = 3_000;

/** What the server is and how its parts are. */
export function systemRoutes(deps: ServerDeps): Route[] {
  const { identity, store } = deps;
  return [
    route({
      method: 'GET',
      path: '/v1/health',
      summary: 'Whether the process answers',
      tag: 'system',
      isOpen: true,
      answers: {
        200: z.object({ status: z.literal('ok'), version: z.string(), installation: z.string().nullable() }),
      },
      handle: () =>
        Promise.resolve({
          status: 'ok',
          version: identity.version,
          installation: identity.healthName ?? null,
        }),
    }),
    route({
      method: 'GET',
      path: '/v1/info',
      summary: 'What a client needs to know of the server',
      tag: 'system',
      answers: { 200: serverInfoSchema },
      handle: () =>
        Promise.resolve({
          version: identity.version,
          owner: identity.owner,
          temporal_address: identity.temporalAddress,
          temporal_ui_url: identity.temporalUiUrl,
          gallery_url: identity.galleryUrl,
          namespace: identity.namespace,
        }),
    }),
    route({
      method: 'GET',
      path: '/v1/status',
      summary: 'Whether the database, Temporal and the workers answer',
      tag: 'system',
      answers: { 200: statusSchema },
      handle: () => readStatus(deps),
    }),
    route({
      method: 'GET',
      path: '/v1/workers',
      summary: 'The workers, their models and how busy they are',
      tag: 'workers',
      answers: { 200: workerListSchema },
      handle: async () => ({ items: await store.workers.list() }),
    }),
    route({
      method: 'POST',
      path: '/v1/workers/:name/lift',
      summary: 'Let a quarantined worker work again',
      tag: 'workers',
      answers: { 202: workerListSchema },
      handle: async ({ params: { name = '' } }) => {
        await store.workers.lift(name);
        return { items: await store.workers.list() };
      },
    }),
  ];
}

type Part = Status['parts'][number];

async function readStatus({ store, pingTemporal }: ServerDeps): Promise<Status> {
  const parts = await Promise.all([
    part('database', async () => {
      await store.ping();
      return 'answers';
    }),
    part('temporal', async () => {
      await pingTemporal();
      return 'answers';
    }),
    part('workers', async () => {
      const workers = await store.workers.list();
      const online = workers.filter(({ state }) => state === 'online').length;
      if (online === 0) throw new Error(`none of ${workers.length} is online`);
      return `${online} of ${workers.length} online`;
    }),
  ]);
  return { ok: parts.every(({ ok }) => ok), parts };
}

async function part(name: Part['name'], check: () => Promise<string>): Promise<Part> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${PING_MS / 1000} s`)), PING_MS);
  });
  try {
    return { name, ok: true, detail: await Promise.race([check(), late]) };
  } catch (error) {
    return { name, ok: false, detail: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
  }
}
