import { toStoredEnd, toStoredFailure, workflowMessages } from '@murnau/contracts';
import type { SweepActivities } from '@murnau/contracts';
import { isOpen } from '@murnau/domain';
import { cancelWorkflow, signalWorkflow } from '@murnau/orchestration';
import pMap from 'p-map';
import { activity } from '../activity.js';
import type { OrchestratorDeps } from '../deps.js';
import { decideSweep } from './decide.js';
import { sweepViewIfPossible, SweepViews } from './show.js';

/** Calls to Temporal or the store at once. */
const concurrency = 10;

export function createSweepActivities(deps: OrchestratorDeps): SweepActivities {
  const { store, client } = deps;
  const views = new SweepViews();
  return {
    decideSweep: activity((input) => decideSweep(deps, input, views)),
    markTrialsStarted: activity(({ started }) => store.runs.markAllStarted(started)),
    signalTrials: activity(async ({ workflow_ids }) => {
      const { decideAgain } = workflowMessages;
      await pMap(workflow_ids, (id) => signalWorkflow(client, id, decideAgain), { concurrency });
    }),
    editSweep: activity(({ sweep_id, edit, by, why, update_id }) =>
      store.sweeps.edit(sweep_id, { edit, by, why, updateId: update_id }),
    ),
    endSweep: activity(async ({ sweep_id, ending }) => {
      const { phase } =
        ending.kind === 'settled'
          ? await store.sweeps.settle(sweep_id)
          : await store.sweeps.end(sweep_id, toStoredEnd('sweep', ending));
      return isOpen(phase) ? { phase } : { phase, view: await sweepViewIfPossible(deps, sweep_id) };
    }),
    cancelTrials: activity(async ({ sweep_id, by }) => {
      await cancelOpenTrials(deps, sweep_id, by);
      const is_settled = !(await store.sweeps.hasOpenTrials(sweep_id));
      return is_settled ? { is_settled, view: await sweepViewIfPossible(deps, sweep_id) } : { is_settled };
    }),
  };
}

async function cancelOpenTrials(
  { store, client }: OrchestratorDeps,
  sweepId: string,
  by: string,
): Promise<void> {
  const message = `Cancelled with its sweep by ${by}.`;
  const failure = toStoredFailure({ code: 'run.cancelled', message });
  await store.sweeps.cancelIdleTrials(sweepId, by);
  let after = -1;
  for (;;) {
    const trials = await store.sweeps.openTrials(sweepId, { after });
    if (trials.length === 0) return;
    after = trials.at(-1)?.trial ?? after;
    await pMap(
      trials,
      async ({ run_id, workflow_id, workflow_chain }) => {
        if (await cancelWorkflow(client, workflow_id)) return;
        await store.runs.endAbandoned(run_id, workflow_chain, { phase: 'cancelled', failure });
      },
      { concurrency },
    );
  }
}
