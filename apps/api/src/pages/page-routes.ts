import { readFileSync } from 'node:fs';
import type { Run } from '@murnau/domain';
import type { FastifyInstance } from 'fastify';
import { SweepImportances } from '../advice/sweep-importance.js';
import type { Sessions } from '../http/sessions.js';
import { groupedSamples } from '../pictures/grouped-samples.js';
import type { ServerDeps } from '../server-deps.js';
import { generationPage } from './generation-page.js';
import { homePage } from './home-page.js';
import type { Html } from './html.js';
import { registerLogin } from './login-routes.js';
import { runPage } from './run-page.js';
import { sweepPage } from './sweep-page.js';
import { workersPage } from './workers-page.js';

const RUNNING_SHOWN = 24;
const RECENT_SHOWN = 12;
/** Trials whose pictures a sweep's page shows, best first. */
const TRIALS_SHOWN = 24;
const EVENTS_SHOWN = 100;
const DECISIONS_SHOWN = 100;
/** Of which the trials' progress is left out. */
const SWEEP_EVENTS_READ = 400;

/** Assets are a few kilobytes each: held in memory, with no path of a request near the disk. */
const assets: Record<string, string> = {
  'style.css': 'text/css; charset=utf-8',
  'live.js': 'text/javascript; charset=utf-8',
  'icon.svg': 'image/svg+xml',
};

export function registerPages(app: FastifyInstance, deps: ServerDeps, sessions: Sessions): void {
  for (const [name, mediaType] of Object.entries(assets)) {
    const content = readFileSync(new URL(`../../assets/${name}`, import.meta.url));
    app.get(`/assets/${name}`, { config: { isOpen: true } }, (_request, reply) =>
      reply.type(mediaType).header('cache-control', 'no-cache').send(content),
    );
  }
  registerLogin(app, deps, sessions);
  page(app, '/', () => home(deps));
  page(app, '/runs/:id', ({ id }) => run(deps, id));
  const importances = new SweepImportances(deps.store, deps.advisor);
  page(app, '/sweeps/:id', ({ id }) => sweep(deps, importances, id));
  page(app, '/generations/:id', ({ id }) => generation(deps, id));
  page(app, '/workers', async () =>
    workersPage(await deps.store.workers.list(), deps.identity.temporalUiUrl, Date.now()),
  );
}

function page(app: FastifyInstance, path: string, draw: (params: { id: string }) => Promise<Html>): void {
  app.get(path, async (request, reply) => {
    const drawn = await draw(request.params as { id: string });
    return reply.type('text/html; charset=utf-8').header('cache-control', 'no-store').send(drawn.toString());
  });
}

async function home(deps: ServerDeps): Promise<Html> {
  const { store, identity } = deps;
  const [running, sweeps, recent, generations] = await Promise.all([
    store.runs.list({ phase: 'running', limit: RUNNING_SHOWN }),
    store.sweeps.list({ limit: RECENT_SHOWN }),
    store.runs.list({ limit: 200 }),
    store.generations.list({ limit: RECENT_SHOWN }),
  ]);
  const ownRuns = recent.items.filter(({ sweep_id }) => sweep_id === null).slice(0, RECENT_SHOWN);
  const bestRuns = sweeps.items.flatMap(({ best_run_id }) => (best_run_id === null ? [] : [best_run_id]));
  const shown = [...running.items, ...ownRuns].map(({ id }) => id);
  return homePage({
    running: running.items,
    sweeps: sweeps.items,
    runs: ownRuns,
    generations: generations.items,
    samples: await groupedSamples(deps, [...shown, ...bestRuns]),
    temporalUiUrl: identity.temporalUiUrl,
    now: Date.now(),
  });
}

async function run({ store, identity }: ServerDeps, id: string): Promise<Html> {
  const found: Run = await store.runs.get(id);
  const [metrics, samples, dataset, events] = await Promise.all([
    store.runs.metrics(id),
    store.runs.samples(id),
    store.datasets.get(found.dataset_id),
    store.events.newest({ runId: id }, EVENTS_SHOWN),
  ]);
  const { temporalUiUrl, namespace } = identity;
  return runPage({
    run: found,
    metrics,
    samples,
    dataset,
    events,
    temporalUiUrl,
    namespace,
    now: Date.now(),
  });
}

async function sweep(deps: ServerDeps, importances: SweepImportances, id: string): Promise<Html> {
  const { store, identity } = deps;
  const [found, leaderboard, events, decisions, finalists] = await Promise.all([
    store.sweeps.get(id),
    store.sweeps.leaderboard(id),
    store.events.newest({ sweepId: id }, SWEEP_EVENTS_READ),
    store.sweeps.decisions(id, { limit: DECISIONS_SHOWN }),
    store.sweeps.finalists(id),
  ]);
  const { temporalUiUrl, namespace } = identity;
  const shown = leaderboard.runs.slice(0, TRIALS_SHOWN).map((trial) => trial.id);
  const [samples, importance] = await Promise.all([groupedSamples(deps, shown), importances.of(found)]);
  return sweepPage({
    sweep: found,
    leaderboard,
    samples,
    events,
    decisions: decisions.items,
    finalists,
    importance,
    owner: identity.owner,
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
