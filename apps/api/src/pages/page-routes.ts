import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import { SweepImportances } from '../advice/sweep-importance.js';
import { type Followers, topicKey } from '../http/follower.js';
import type { Sessions } from '../http/sessions.js';
import { newestByRun, spreadSamples } from '../pictures/read-samples.js';
import type { ServerDeps } from '../server-deps.js';
import { generationPage } from './generation-page.js';
import { homePage } from './home-page.js';
import type { Html } from './html.js';
import { registerLogin } from './login-routes.js';
import { readSweepPage } from './read-sweep-page.js';
import { runPage } from './run-page.js';
import { SharedPages } from './shared-pages.js';
import { sweepPage } from './sweep-page.js';
import { workersPage } from './workers-page.js';

const RUNNING_SHOWN = 12;
const RECENT_SHOWN = 12;
const EVENTS_SHOWN = 100;
/** Of a run's pictures on the way. */
const STEPS_SHOWN = 24;
/** More points than pixels only make a page heavy. */
const CURVE_POINTS = 400;

/** Assets are a few kilobytes each: held in memory, with no path of a request near the disk. */
const assets: Record<string, string> = {
  'style.css': 'text/css; charset=utf-8',
  'live.js': 'text/javascript; charset=utf-8',
  'icon.svg': 'image/svg+xml',
};

interface PageTools {
  sessions: Sessions;
  followers: Followers;
}

interface Page {
  draw(id: string): Promise<Html>;
  /** What of those who follow a thing says that its page would be the same. */
  versionOf?(id: string): number | undefined;
}

/** What a person may open. */
export const pagePaths = ['/', '/runs/:id', '/sweeps/:id', '/generations/:id', '/workers'] as const;

function pagesOf(deps: ServerDeps, followers: Followers): Record<(typeof pagePaths)[number], Page> {
  const importances = new SweepImportances(deps.store, deps.advisor);
  return {
    '/': { draw: () => home(deps) },
    '/runs/:id': {
      draw: (id) => run(deps, id),
      versionOf: (id) => followers.versionOf(topicKey('run', id)),
    },
    '/sweeps/:id': {
      draw: async (id) => sweepPage(await readSweepPage(deps, importances, id)),
      versionOf: (id) => followers.versionOf(topicKey('sweep', id)),
    },
    '/generations/:id': { draw: (id) => generation(deps, id) },
    '/workers': { draw: () => workers(deps) },
  };
}

export function registerPages(
  app: FastifyInstance,
  deps: ServerDeps,
  { sessions, followers }: PageTools,
): void {
  for (const [name, mediaType] of Object.entries(assets)) {
    const content = readFileSync(new URL(`../../assets/${name}`, import.meta.url));
    app.get(`/assets/${name}`, { config: { isOpen: true } }, (_request, reply) =>
      reply.type(mediaType).header('cache-control', 'no-cache').send(content),
    );
  }
  registerLogin(app, deps, sessions);
  const shared = new SharedPages();
  for (const [path, { draw, versionOf }] of Object.entries(pagesOf(deps, followers))) {
    app.get(path, async (request, reply) => {
      const { id = '' } = request.params as { id?: string };
      const page = await shared.draw(`${path} ${id}`, versionOf?.(id), async () => String(await draw(id)));
      return reply.type('text/html; charset=utf-8').header('cache-control', 'no-store').send(page);
    });
  }
}

async function home(deps: ServerDeps): Promise<Html> {
  const { store, identity } = deps;
  const [running, sweeps, ownRuns, generations] = await Promise.all([
    store.runs.list({ phase: 'running', limit: RUNNING_SHOWN }),
    store.sweeps.list({ limit: RECENT_SHOWN }),
    store.runs.list({ sweep_id: null, limit: RECENT_SHOWN }),
    store.generations.list({ limit: RECENT_SHOWN }),
  ]);
  const bestRuns = sweeps.items.flatMap(({ best_run_id }) => (best_run_id === null ? [] : [best_run_id]));
  const shown = [...running.items, ...ownRuns.items].map(({ id }) => id);
  return homePage({
    running: running.items,
    moreRun: running.next_cursor !== null,
    sweeps: sweeps.items,
    runs: ownRuns.items,
    generations: generations.items,
    samples: await newestByRun(deps, [...shown, ...bestRuns]),
    temporalUiUrl: identity.temporalUiUrl,
    now: Date.now(),
  });
}

async function run(deps: ServerDeps, id: string): Promise<Html> {
  const { store, identity } = deps;
  const found = await store.runs.get(id);
  const [curves, samples, dataset, events] = await Promise.all([
    store.runs.curves(id, CURVE_POINTS),
    spreadSamples(deps, id, STEPS_SHOWN),
    store.datasets.get(found.dataset_id),
    store.events.newest({ runId: id }, EVENTS_SHOWN),
  ]);
  const { temporalUiUrl, namespace } = identity;
  return runPage({
    run: found,
    curves,
    samples,
    dataset,
    events,
    temporalUiUrl,
    namespace,
    now: Date.now(),
  });
}

async function generation({ store, identity }: ServerDeps, id: string): Promise<Html> {
  const found = await store.generations.get(id);
  const ids = found.request.embedding_ids ?? [];
  const embeddings = await Promise.all(ids.map((embedding) => store.embeddings.get(embedding)));
  return generationPage({
    generation: found,
    embeddings,
    temporalUiUrl: identity.temporalUiUrl,
    now: Date.now(),
  });
}

const workers = async ({ store, identity }: ServerDeps): Promise<Html> =>
  workersPage(await store.workers.list(), identity.temporalUiUrl, Date.now());
