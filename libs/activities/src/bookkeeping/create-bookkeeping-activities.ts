import type { BookkeepingActivities } from '../activity-types.js';
import { classified } from '../failures.js';
import type { BookkeepingDeps } from './deps.js';
import { createRunActivities, toStoredFailure } from './run-activities.js';
import { createSweepActivities } from './sweep-activities.js';

/** Decisions and what is written down about them: on the orchestrator's queue, near the store. */
export function createBookkeepingActivities(deps: BookkeepingDeps): BookkeepingActivities {
  const runs = createRunActivities(deps);
  const sweeps = createSweepActivities(deps);
  return {
    decideNext: classified(runs.decideNext),
    finishRun: classified(runs.finishRun),
    failRun: classified(runs.failRun),
    cancelRun: classified(runs.cancelRun),
    decideSweep: classified(sweeps.decideSweep),
    markTrialsStarted: classified(sweeps.markTrialsStarted),
    cancelTrials: classified(sweeps.cancelTrials),
    endSweep: classified(sweeps.endSweep),
    endGeneration: classified(async ({ generation_id, phase, failure }) => {
      await deps.store.generations.end(generation_id, {
        phase,
        failure: failure === undefined ? null : toStoredFailure(failure),
      });
    }),
  };
}
