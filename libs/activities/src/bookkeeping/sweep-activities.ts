import { toStoredFailure, workflowMessages } from '@murnau/contracts';
import { settledPhase } from '@murnau/domain';
import type { SweepActivities } from '@murnau/contracts';
import { cancelWorkflow, mapBounded, signalWorkflow } from '@murnau/orchestration';
import type { BookkeepingDeps } from './deps.js';
import { ShownDetails, shownOf } from './shown-details.js';
import { sweepStep } from './sweep-step.js';

/** Calls to Temporal or the store at once. */
const concurrency = 10;

export function createSweepActivities(deps: BookkeepingDeps): SweepActivities {
  const { store, client } = deps;
  const shown = new ShownDetails();
  return {
    decideSweep: (question) => sweepStep(deps, question, shown),
    markTrialsStarted: ({ started }) => store.runs.markAllStarted(started),
    isSweepTold: async ({ run_id, sweep_run_id }) => {
      const { sweep_id } = await store.runs.get(run_id);
      return sweep_id !== null && store.sweeps.isDecidedBy(sweep_id, sweep_run_id);
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
    endSweep: async ({ sweep_id, phase, asked }) => {
      const ended =
        phase === 'cancelled'
          ? await store.sweeps.end(sweep_id, { phase, asked })
          : await store.sweeps.settle(sweep_id, settledPhase);
      return { phase: ended.phase, ...(await shownOf(deps, sweep_id)) };
    },
  };
}
