import type { StoredEvent, Sweep } from '@murnau/domain';
import type { SweepImportances } from '../advice/sweep-importance.js';
import { newestByRun } from '../pictures/read-samples.js';
import type { ServerDeps } from '../server-deps.js';
import type { SweepPage } from './sweep-page.js';

/** Trials whose pictures a sweep's page shows, best first. */
const BEST_SHOWN = 24;
const RUNNING_SHOWN = 12;
/** Among whom a person may pick on the page. */
const WAITING_SHOWN = 60;
const FINALISTS_SHOWN = 24;
const DECISIONS_SHOWN = 100;
/** Of which the trials' progress is left out. */
const EVENTS_READ = 400;

/** What a sweep's page shows: as much of a sweep of ten trials as of ten thousand. */
export async function readSweepPage(
  deps: ServerDeps,
  importances: SweepImportances,
  id: string,
): Promise<SweepPage> {
  const { store, identity } = deps;
  const sweep = await store.sweeps.get(id);
  const [best, running, waiting, events, decisions, finalists, importance] = await Promise.all([
    store.sweeps.best(id, BEST_SHOWN),
    store.runs.list({ sweep_id: id, phase: 'running', limit: RUNNING_SHOWN }),
    waitingAtGate(deps, sweep),
    store.events.newest({ sweepId: id }, EVENTS_READ),
    store.sweeps.decisions(id, { limit: DECISIONS_SHOWN }),
    store.sweeps.finalists(id),
    importances.of(sweep),
  ]);
  const told = events.filter(({ kind }) => kind !== 'progress');
  const shownFinalists = finalists.slice(0, FINALISTS_SHOWN);
  const [samples, trials] = await Promise.all([
    newestByRun(
      deps,
      best.map((run) => run.id),
    ),
    store.sweeps.trialIds(id, {
      runIds: runsOf(told),
      trials: shownFinalists.flatMap(({ trial, repetitions }) => [
        trial,
        ...repetitions.map((repetition) => repetition.trial),
      ]),
    }),
  ]);
  const { name: metric, goal } = sweep.spec.metric;
  return {
    sweep,
    leaderboard: { metric, goal, runs: best },
    running: running.items,
    waiting,
    samples,
    events: told,
    trials,
    decisions: decisions.items,
    finalists: shownFinalists,
    importance,
    owner: identity.owner,
    temporalUiUrl: identity.temporalUiUrl,
    namespace: identity.namespace,
    now: Date.now(),
  };
}

const waitingAtGate = ({ store }: ServerDeps, { id, gate }: Sweep) =>
  gate === null || gate.is_passed ? Promise.resolve([]) : store.sweeps.waiting(id, gate.rung, WAITING_SHOWN);

const runsOf = (events: readonly StoredEvent[]): string[] => [
  ...new Set(events.flatMap(({ run_id }) => (run_id === null ? [] : [run_id]))),
];
