import { toStoredFailure, workflowMessages } from '@murnau/contracts';
import type { SweepActivities } from '@murnau/contracts';
import { settledPhase } from '@murnau/domain';
import { cancelWorkflow, mapBounded, signalWorkflow } from '@murnau/orchestration';
import { activity } from '../activity.js';
import type { OrchestratorDeps } from '../deps.js';
import { decideSweep } from './decide.js';
import { SweepViews, sweepView } from './show.js';

/** Calls to Temporal or the store at once. */
const concurrency = 10;

export function createSweepActivities(deps: OrchestratorDeps): SweepActivities {
  const { store, client } = deps;
  const views = new SweepViews();
  return {
    decideSweep: activity((input) => decideSweep(deps, input, views)),
    markTrialsStarted: activity(({ started }) => store.runs.markAllStarted(started)),
    isSweepTold: activity(async ({ run_id, sweep_run_id }) => {
      const { sweep_id } = await store.runs.get(run_id);
      return sweep_id !== null && store.sweeps.isDecidedBy(sweep_id, sweep_run_id);
    }),
    lookAgain: activity(async ({ workflow_ids }) => {
      await mapBounded(workflow_ids, concurrency, (id) => signalWorkflow(client, id, workflowMessages.look));
    }),
    editSweep: activity(({ sweep_id, edit, by, why, update_id }) =>
      store.sweeps.edit(sweep_id, { edit, by, why, updateId: update_id }),
    ),
    cancelTrials: activity(async ({ sweep_id, by }) => {
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
    }),
    endSweep: activity(async ({ sweep_id, phase, asked }) => {
      const ended =
        phase === 'cancelled'
          ? await store.sweeps.end(sweep_id, { phase, asked })
          : await store.sweeps.settle(sweep_id, settledPhase);
      return { phase: ended.phase, ...(await sweepView(deps, sweep_id)) };
    }),
  };
}
