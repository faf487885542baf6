import { toStoredEnd } from '@murnau/contracts';
import type { RunActivities, RunEnding, RunView } from '@murnau/contracts';
import { MurnauError } from '@murnau/domain';
import { activity } from '../activity.js';
import type { OrchestratorDeps } from '../deps.js';
import { decideRun } from './decide.js';
import { runView } from './show.js';

export function createRunActivities(deps: OrchestratorDeps): RunActivities {
  const { store, galleryUrl } = deps;
  const view = async (runId: string): Promise<RunView> => runView(await store.runs.get(runId), galleryUrl);
  return {
    decideRun: activity((input) => decideRun(deps, input)),
    pauseRun: activity(async ({ run_id }) => {
      await ignoringEnded(store.runs.setPhase(run_id, 'paused'));
      return view(run_id);
    }),
    editRun: activity(async ({ run_id, kind, by, why, update_id }) => {
      await store.runs.edit(run_id, { kind, by, why, updateId: update_id });
    }),
    endRun: activity(async ({ run_id, ending }) => {
      await endRun(deps, run_id, ending);
      return view(run_id);
    }),
    isParentDeciding: activity(async ({ run_id, parent_run_id }) => {
      const { sweep_id } = await store.runs.get(run_id);
      return sweep_id !== null && store.sweeps.isDecidedBy(sweep_id, parent_run_id);
    }),
  };
}

async function endRun({ store }: OrchestratorDeps, runId: string, ending: RunEnding): Promise<void> {
  switch (ending.kind) {
    case 'finished': {
      // The workflow has no segment at work: the newest epoch is its own.
      const { epoch } = await store.runs.details(runId);
      await store.runs.finish(runId, epoch, { early_stop: ending.early_stop });
      return;
    }
    case 'waiting':
      return store.runs.reachRung(runId);
    default:
      await store.runs.end(runId, toStoredEnd('run', ending));
  }
}

/** The next decision sees that the run has ended meanwhile. */
async function ignoringEnded(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof MurnauError) || error.code !== 'run.already_ended') throw error;
  }
}
