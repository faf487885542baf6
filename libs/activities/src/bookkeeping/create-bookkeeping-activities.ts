import { toStoredFailure } from '@murnau/contracts';
import type { GenerationActivities, RunActivities, SweepActivities } from '@murnau/contracts';
import { classified, keptAlive } from '../activity.js';
import type { BookkeepingDeps } from './deps.js';
import { createRunActivities } from './run-activities.js';
import { createSweepActivities } from './sweep-activities.js';

type EndGeneration = Parameters<GenerationActivities['endGeneration']>[0];

/** Decisions and what is written down about them: on the orchestrator's queue, near the store. */
export function createBookkeepingActivities(
  deps: BookkeepingDeps,
): SweepActivities & RunActivities & GenerationActivities {
  const runs = createRunActivities(deps);
  const sweeps = createSweepActivities(deps);
  const kept = <Input, Output>(
    activity: (input: Input) => Promise<Output>,
  ): ((input: Input) => Promise<Output>) => classified(keptAlive(activity));
  return {
    decideNext: kept(runs.decideNext),
    finishRun: kept(runs.finishRun),
    waitRun: kept(runs.waitRun),
    pauseRun: kept(runs.pauseRun),
    editRun: kept(runs.editRun),
    failRun: kept(runs.failRun),
    cancelRun: kept(runs.cancelRun),
    decideSweep: kept(sweeps.decideSweep),
    markTrialsStarted: kept(sweeps.markTrialsStarted),
    isSweepTold: kept(sweeps.isSweepTold),
    lookAgain: kept(sweeps.lookAgain),
    editSweep: kept(sweeps.editSweep),
    cancelTrials: kept(sweeps.cancelTrials),
    endSweep: kept(sweeps.endSweep),
    endGeneration: kept(async ({ generation_id, phase, failure }: EndGeneration) => {
      await deps.store.generations.end(generation_id, {
        phase,
        failure: failure === undefined ? null : toStoredFailure(failure),
      });
    }),
  };
}
