import { runActivitySummaries, workflowMessages } from '@murnau/contracts';
import type { RunActivities, RunEditRequest } from '@murnau/contracts';
import { runEditKinds } from '@murnau/domain';
import {
  CancellationScope,
  currentUpdateInfo,
  defineSignal,
  defineUpdate,
  proxyActivities,
  setHandler,
} from '@temporalio/workflow';
import type { Requests } from '../run-to-end.js';

const { editRun } = proxyActivities<RunActivities>({
  startToCloseTimeout: '10 min',
  heartbeatTimeout: '4 s',
  retry: { initialInterval: '200 ms', backoffCoefficient: 1 },
  summary: runActivitySummaries.editRun,
});

const decideAgainSignal = defineSignal(workflowMessages.decideAgain);

/**
 * Takes the edits that people make while a run is at work. Each is stored first; then the workflow decides again. A run
 * that has ended, or is about to, refuses them.
 */
export function listenForRunEdits(runId: string, requests: Requests): void {
  setHandler(decideAgainSignal, () => requests.note());
  for (const kind of runEditKinds) {
    setHandler(
      defineUpdate<void, [RunEditRequest]>(kind),
      async ({ by, why }) => {
        const update_id = currentUpdateInfo()?.id ?? '';
        await CancellationScope.nonCancellable(() => editRun({ run_id: runId, kind, by, why, update_id }));
        requests.note();
      },
      { validator: (request) => requests.refuse(request) },
    );
  }
}
