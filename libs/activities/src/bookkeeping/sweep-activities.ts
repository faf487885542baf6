import type { SweepTrial } from '@murnau/store';
import type { BookkeepingActivities, SweepStep, TrialToStart } from '../activity-types.js';
import type { TrialState } from '../decisions/decide-sweep.js';
import { decideSweep, hasEnded, settledPhase } from '../decisions/decide-sweep.js';
import { runCard } from '../start/workflow-card.js';
import type { BookkeepingDeps } from './deps.js';
import { toStoredFailure } from './run-activities.js';
import { sweepDetails } from './sweep-details.js';
import { cancelWorkflow, mapBounded, presenceOf } from './trial-workflows.js';

/** Calls to Temporal or the store at once. */
const concurrency = 10;

const isOpen = ({ phase }: SweepTrial): boolean => !hasEnded(phase);

function toTrialState({ run_id, trial, phase, workflow_started }: SweepTrial): TrialState {
  return { run_id, trial, phase, is_started: workflow_started };
}

function countTrials(trials: readonly SweepTrial[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const trial of trials) {
    const name = isOpen(trial) && !trial.workflow_started ? 'waiting' : trial.phase;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/**
 * Compares the store with Temporal: a trial whose workflow was ended from outside has ended; one that Temporal never
 * heard of (its data was lost) is started again.
 */
async function reconcile(
  { store, client }: BookkeepingDeps,
  trials: readonly SweepTrial[],
): Promise<SweepTrial[]> {
  return mapBounded(trials, concurrency, async (trial) => {
    if (!isOpen(trial) || !trial.workflow_started) return trial;
    const presence = await presenceOf(client, trial.workflow_id);
    if (presence === 'open') return trial;
    if (presence === 'unknown') return { ...trial, workflow_started: false };
    // Between the two looks it may have ended by itself.
    const { phase } = await store.runs.end(trial.run_id, {
      phase: 'cancelled',
      failure: toStoredFailure({ code: 'run.cancelled', message: 'Its workflow was ended from outside.' }),
    });
    return { ...trial, phase };
  });
}

async function sweepStep(deps: BookkeepingDeps, sweepId: string, isReconciling: boolean): Promise<SweepStep> {
  const { store, galleryUrl } = deps;
  const sweep = await store.sweeps.get(sweepId);
  const stored = await store.sweeps.trials(sweepId);
  const trials = isReconciling ? await reconcile(deps, stored) : stored;
  const { action, start } = decideSweep({
    phase: sweep.phase,
    trials: trials.map(toTrialState),
    max_concurrent_trials: sweep.spec.max_concurrent_trials,
  });
  const counts = countTrials(trials);
  return {
    action,
    start: await mapBounded(start, concurrency, async (runId): Promise<TrialToStart> => {
      const run = await store.runs.get(runId);
      return { run_id: runId, workflow_id: run.workflow_id, card: runCard(run, galleryUrl) };
    }),
    counts,
    phase: sweep.phase,
    details: sweepDetails(sweep, counts, await store.sweeps.leaderboard(sweepId), galleryUrl),
  };
}

type SweepActivities = Pick<
  BookkeepingActivities,
  'decideSweep' | 'markTrialsStarted' | 'cancelTrials' | 'endSweep'
>;

export function createSweepActivities(deps: BookkeepingDeps): SweepActivities {
  const { store, client, galleryUrl } = deps;
  return {
    decideSweep: ({ sweep_id, reconcile: isReconciling }) => sweepStep(deps, sweep_id, isReconciling),
    markTrialsStarted: async ({ run_ids }) => {
      await mapBounded(run_ids, concurrency, (runId) => store.runs.markStarted(runId));
    },
    cancelTrials: async ({ sweep_id, by }) => {
      const trials = await store.sweeps.trials(sweep_id);
      await mapBounded(trials.filter(isOpen), concurrency, async (trial) => {
        if (trial.workflow_started && (await cancelWorkflow(client, trial.workflow_id))) return;
        const message = `Cancelled with its sweep by ${by}.`;
        await store.runs.end(trial.run_id, {
          phase: 'cancelled',
          failure: toStoredFailure({ code: 'run.cancelled', message }),
        });
      });
    },
    endSweep: async ({ sweep_id, phase }) => {
      const trials = await store.sweeps.trials(sweep_id);
      const ended = await store.sweeps.end(sweep_id, {
        phase: phase === 'cancelled' ? 'cancelled' : settledPhase(trials.map(toTrialState)),
      });
      const leaderboard = await store.sweeps.leaderboard(sweep_id);
      return {
        phase: ended.phase,
        details: sweepDetails(ended, countTrials(trials), leaderboard, galleryUrl),
      };
    },
  };
}
