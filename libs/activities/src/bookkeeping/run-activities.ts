import { toStoredFailure } from '@murnau/contracts';
import type { NextStep, RunActivities, RunView } from '@murnau/contracts';
import { MurnauError } from '@murnau/domain';
import type { Run } from '@murnau/domain';
import { decideNext } from '../decisions/decide-next.js';
import type { BookkeepingDeps } from './deps.js';
import { runView } from './run-view.js';

/** The worker applies the rule and says so at the step where it holds; a run that was taken further has gone past it. */
async function hasSettledLoss({ store }: BookkeepingDeps, run: Run): Promise<boolean> {
  const { id, spec, metrics, certified_step } = run;
  if (!spec.stop_when.plateau || metrics['plateau'] === undefined) return false;
  const found = await store.runs.metrics(id, { names: ['plateau'], after_step: certified_step - 1 });
  return found.length > 0;
}

async function nextStep(deps: BookkeepingDeps, runId: string, chain: number): Promise<NextStep> {
  const { store, galleryUrl } = deps;
  const { run, details } = await store.runs.getWithDetails(runId);
  // Whoever asks is at work: so the start is known even if the one who started it died before he said so.
  if (!details.workflow_started && chain >= details.workflow_chain)
    await store.runs.markStarted(run.id, chain);
  const sweep = run.sweep_id === null ? null : await store.sweeps.brief(run.sweep_id);
  const action = decideNext({
    phase: run.phase,
    certified_step: run.certified_step,
    target_step: run.target_step,
    max_steps: run.spec.max_steps,
    wish: run.wish,
    wish_by: details.wish_by,
    sweep_phase: sweep?.phase ?? null,
    is_plateau: await hasSettledLoss(deps, run),
  });
  if (action.kind === 'train' && run.phase === 'paused') await store.runs.setPhase(run.id, 'queued');
  return {
    facts: {
      run_id: run.id,
      model: run.spec.model,
      owner: run.owner,
      priority: run.priority,
      sweep_workflow_id: sweep?.workflow_id ?? null,
      segment_max_s: run.spec.segment_max_s,
    },
    action,
    view: runView(run, galleryUrl),
  };
}

export function createRunActivities(deps: BookkeepingDeps): RunActivities {
  const { store, galleryUrl } = deps;
  const view = async (runId: string): Promise<RunView> => runView(await store.runs.get(runId), galleryUrl);
  return {
    decideNext: ({ run_id, chain = 0 }) => nextStep(deps, run_id, chain),
    finishRun: async ({ run_id, early_stop = null }) => {
      // The workflow asks for nothing else meanwhile: whoever holds this epoch is done.
      const { epoch } = await store.runs.details(run_id);
      await store.runs.finish(run_id, epoch, { early_stop });
      return view(run_id);
    },
    waitRun: async ({ run_id }) => {
      await store.runs.reachRung(run_id);
      return view(run_id);
    },
    pauseRun: async ({ run_id }) => {
      await ignoringEnded(store.runs.setPhase(run_id, 'paused'));
      return view(run_id);
    },
    editRun: async ({ run_id, ...edit }) => {
      await store.runs.edit(run_id, edit);
    },
    failRun: async ({ run_id, failure }) => {
      await store.runs.end(run_id, { phase: 'failed', failure: toStoredFailure(failure) });
      return view(run_id);
    },
    cancelRun: async ({ run_id, by, asked }) => {
      const message = `Cancelled by ${by}.`;
      await store.runs.end(run_id, {
        phase: 'cancelled',
        failure: toStoredFailure({ code: 'run.cancelled', message }),
        asked,
      });
      return view(run_id);
    },
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
