import { toStoredFailure } from '@murnau/contracts';
import type { RunActivities, RunView } from '@murnau/contracts';
import { MurnauError } from '@murnau/domain';
import { activity } from '../activity.js';
import type { OrchestratorDeps } from '../deps.js';
import { decideNext } from './decide.js';
import { runView } from './show.js';

export function createRunActivities(deps: OrchestratorDeps): RunActivities {
  const { store, galleryUrl } = deps;
  const view = async (runId: string): Promise<RunView> => runView(await store.runs.get(runId), galleryUrl);
  return {
    decideNext: activity((input) => decideNext(deps, input)),
    finishRun: activity(async ({ run_id, early_stop = null }) => {
      // The workflow asks for nothing else meanwhile: whoever holds this epoch is done.
      const { epoch } = await store.runs.details(run_id);
      await store.runs.finish(run_id, epoch, { early_stop });
      return view(run_id);
    }),
    waitRun: activity(async ({ run_id }) => {
      await store.runs.reachRung(run_id);
      return view(run_id);
    }),
    pauseRun: activity(async ({ run_id }) => {
      await ignoringEnded(store.runs.setPhase(run_id, 'paused'));
      return view(run_id);
    }),
    editRun: activity(async ({ run_id, ...edit }) => {
      await store.runs.edit(run_id, edit);
    }),
    failRun: activity(async ({ run_id, failure }) => {
      await store.runs.end(run_id, { phase: 'failed', failure: toStoredFailure(failure) });
      return view(run_id);
    }),
    cancelRun: activity(async ({ run_id, by, asked }) => {
      const message = `Cancelled by ${by}.`;
      await store.runs.end(run_id, {
        phase: 'cancelled',
        failure: toStoredFailure({ code: 'run.cancelled', message }),
        asked,
      });
      return view(run_id);
    }),
  };
}

/** A run that ended meanwhile tells so at the next decision. */
async function ignoringEnded(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof MurnauError) || error.code !== 'run.already_ended') throw error;
  }
}
