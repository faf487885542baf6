import { errorRegistry, isErrorCode } from '@murnau/domain';
import type { Failure, Run } from '@murnau/domain';
import type { BookkeepingActivities, NextStep, RunFailure, RunView } from '../activity-types.js';
import { decideNext } from '../decisions/decide-next.js';
import type { BookkeepingDeps } from './deps.js';
import { runView } from './run-view.js';

/** Errors that the registry does not know keep their message. */
export function toStoredFailure({ code, message }: RunFailure): Failure {
  const known = isErrorCode(code) ? code : 'internal';
  return { code: known, message, next_step: errorRegistry[known].nextStep };
}

async function nextStep({ store, galleryUrl }: BookkeepingDeps, run: Run): Promise<NextStep> {
  const sweep = run.sweep_id === null ? null : await store.sweeps.get(run.sweep_id);
  return {
    facts: {
      run_id: run.id,
      model: run.spec.model,
      owner: run.owner,
      sweep_workflow_id: sweep?.workflow_id ?? null,
      segment_max_s: run.spec.segment_max_s,
    },
    action: decideNext({
      phase: run.phase,
      certified_step: run.certified_step,
      max_steps: run.spec.max_steps,
      sweep_phase: sweep?.phase ?? null,
    }),
    view: runView(run, galleryUrl),
  };
}

type RunActivities = Pick<BookkeepingActivities, 'decideNext' | 'finishRun' | 'failRun' | 'cancelRun'>;

export function createRunActivities(deps: BookkeepingDeps): RunActivities {
  const { store, galleryUrl } = deps;
  const view = async (runId: string): Promise<RunView> => runView(await store.runs.get(runId), galleryUrl);
  return {
    decideNext: async ({ run_id }) => nextStep(deps, await store.runs.get(run_id)),
    finishRun: async ({ run_id }) => {
      // The workflow asks for nothing else meanwhile: whoever holds this epoch is done.
      const { epoch } = await store.runs.details(run_id);
      await store.runs.finish(run_id, epoch);
      return view(run_id);
    },
    failRun: async ({ run_id, failure }) => {
      await store.runs.end(run_id, { phase: 'failed', failure: toStoredFailure(failure) });
      return view(run_id);
    },
    cancelRun: async ({ run_id, by }) => {
      const message = `Cancelled by ${by}.`;
      await store.runs.end(run_id, {
        phase: 'cancelled',
        failure: toStoredFailure({ code: 'run.cancelled', message }),
      });
      return view(run_id);
    },
  };
}
