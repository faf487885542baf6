import { sweepActivitySummaries } from '@murnau/contracts';
import type { SweepActivities, SweepEditMessage } from '@murnau/contracts';
import { sweepEditKinds } from '@murnau/domain';
import {
  ApplicationFailure,
  CancellationScope,
  defineUpdate,
  proxyActivities,
  setHandler,
} from '@temporalio/workflow';
import type { Requests } from '../run-to-end.js';

const { editSweep } = proxyActivities<SweepActivities>({
  startToCloseTimeout: '10 min',
  heartbeatTimeout: '4 s',
  retry: { initialInterval: '200 ms', backoffCoefficient: 1 },
  summary: sweepActivitySummaries.editSweep,
});

/** Takes the edits that people make while a sweep is at work. Each is stored first; then the workflow decides again. */
export function listenForSweepEdits(sweepId: string, requests: Requests): void {
  for (const kind of sweepEditKinds) {
    setHandler(
      defineUpdate<void, [SweepEditMessage]>(kind),
      async (message) => {
        await CancellationScope.nonCancellable(() => editSweep({ sweep_id: sweepId, ...message }));
        requests.note();
      },
      {
        validator: (message) => {
          requests.refuse(message);
          if (message.edit?.kind !== kind || typeof message.update_id !== 'string') {
            throw ApplicationFailure.nonRetryable(`${kind}: the edit is missing.`, 'spec.invalid');
          }
        },
      },
    );
  }
}
