import { workflowMessages } from '@murnau/domain';
import type { TrialCounts } from '@murnau/store';
import type { BookkeepingActivities, SweepStep, TrialToStart } from '../activity-types.js';
import { decideSweep, settledPhase } from '../decisions/decide-sweep.js';
import { runCard } from '../start/workflow-card.js';
import type { BookkeepingDeps } from './deps.js';
import { reconcileTrials } from './reconcile-trials.js';
import { toStoredFailure } from './run-activities.js';
import { sweepDetails } from './sweep-details.js';
import { cancelWorkflow, mapBounded, signalWorkflow } from './trial-workflows.js';

/** Calls to Temporal or the store at once. */
const concurrency = 10;
const shownTrials = 5;
const shownDecisions = 5;
/** How soon to look whether trials have done what they were told. */
const astrayPollMs = 1_000;
/** Nothing is at work: only a message or a timer changes anything. */
const idleMs = 600_000;

/** By phase, for those who look: trials that are paused or not started count as what they are. */
function byPhase(counts: TrialCounts): Record<string, number> {
  const { to_start, open, held, waiting, finished, failed, cancelled } = counts;
  return { queued: to_start, running: open, paused: held, waiting, finished, failed, cancelled };
}

async function detailsOf({ store, galleryUrl }: BookkeepingDeps, sweepId: string): Promise<string> {
  const [sweep, best, decisions] = await Promise.all([
    store.sweeps.get(sweepId),
    store.sweeps.best(sweepId, shownTrials),
    store.sweeps.decisions(sweepId, { limit: shownDecisions }),
  ]);
  return sweepDetails(sweep, best, decisions.items, galleryUrl);
}

async function sweepStep(
  deps: BookkeepingDeps,
  sweepId: string,
  { isReconciling, chain }: { isReconciling: boolean; chain: number },
): Promise<SweepStep> {
  const { store, galleryUrl } = deps;
  await store.sweeps.markStarted(sweepId, chain);
  if (isReconciling) await reconcileTrials(deps, sweepId);
  const { sweep, counts, next, astray } = await store.sweeps.facts(sweepId);
  const { action, starts } = decideSweep({ ...sweep, counts });
  const start = await mapBounded(next.slice(0, starts), concurrency, async (trial): Promise<TrialToStart> => {
    const run = await store.runs.get(trial.run_id);
    return {
      run_id: trial.run_id,
      workflow_id: trial.workflow_id,
      chain: trial.workflow_chain,
      priority: run.priority,
      card: runCard(run, galleryUrl),
    };
  });
  const isIdle = (counts.open === 0 || sweep.phase === 'paused') && starts === 0;
  return {
    action,
    start,
    counts: byPhase(counts),
    phase: sweep.phase,
    details: await detailsOf(deps, sweepId),
    astray,
    more: starts >= next.length && counts.to_start > starts && starts > 0,
    ...(astray.length > 0 ? { wake_ms: astrayPollMs } : isIdle ? { wake_ms: idleMs } : {}),
    ...(sweep.phase === 'paused' ? { waits_for: 'somebody to resume it' } : {}),
  };
}

type SweepActivities = Pick<
  BookkeepingActivities,
  'decideSweep' | 'markTrialsStarted' | 'lookAgain' | 'editSweep' | 'cancelTrials' | 'endSweep'
>;

export function createSweepActivities(deps: BookkeepingDeps): SweepActivities {
  const { store, client } = deps;
  return {
    decideSweep: ({ sweep_id, reconcile, chain = 0 }) =>
      sweepStep(deps, sweep_id, { isReconciling: reconcile, chain }),
    markTrialsStarted: async ({ started }) => {
      await mapBounded(started, concurrency, ({ run_id, chain }) => store.runs.markStarted(run_id, chain));
    },
    lookAgain: async ({ workflow_ids }) => {
      await mapBounded(workflow_ids, concurrency, (id) => signalWorkflow(client, id, workflowMessages.look));
    },
    editSweep: ({ sweep_id, edit, by, why, update_id }) =>
      store.sweeps.edit(sweep_id, { edit, by, why, updateId: update_id }),
    cancelTrials: async ({ sweep_id, by }) => {
      await store.sweeps.cancelIdleTrials(sweep_id, by);
      let after = -1;
      for (;;) {
        const trials = await store.sweeps.openTrials(sweep_id, { after });
        if (trials.length === 0) return;
        after = trials.at(-1)?.trial ?? after;
        await mapBounded(trials, concurrency, async ({ run_id, workflow_id, workflow_chain }) => {
          if (await cancelWorkflow(client, workflow_id)) return;
          const message = `Cancelled with its sweep by ${by}.`;
          const failure = toStoredFailure({ code: 'run.cancelled', message });
          await store.runs.endAbandoned(run_id, workflow_chain, failure);
        });
      }
    },
    endSweep: async ({ sweep_id, phase }) => {
      const ended =
        phase === 'cancelled'
          ? await store.sweeps.end(sweep_id, { phase })
          : await store.sweeps.settle(sweep_id, settledPhase);
      return { phase: ended.phase, details: await detailsOf(deps, sweep_id) };
    },
  };
}
