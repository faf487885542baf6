import type { RunEditRequest, SweepEditMessage } from '@murnau/contracts';
import { workflowMessages } from '@murnau/contracts';
import type { RunEditKind, SweepEditKind } from '@murnau/domain';
import {
  ApplicationFailure,
  CancellationScope,
  defineSignal,
  defineUpdate,
  setHandler,
} from '@temporalio/workflow';
import { durableBooks } from './books.js';
import type { StopRequest } from './stop-request.js';

export const lookSignal = defineSignal(workflowMessages.look);

const runEdits = {
  pause: workflowMessages.pause,
  resume: workflowMessages.resume,
  stop: workflowMessages.stop,
} as const satisfies Record<RunEditKind, string>;

const sweepEdits = {
  pause: workflowMessages.pause,
  resume: workflowMessages.resume,
  stop: workflowMessages.stop,
  extend: workflowMessages.extend,
  add_pair: workflowMessages.addPair,
  set_concurrency: workflowMessages.setConcurrency,
  drop_trial: workflowMessages.dropTrial,
  retry_failed: workflowMessages.retryFailed,
  pick_winners: workflowMessages.pickWinners,
} as const satisfies Record<SweepEditKind, string>;

/**
 * Takes the edits that people make while a run is at work. Each is put down in the store first; `onChange` then makes
 * the workflow decide anew. What has ended, or is about to, refuses.
 */
export function listenForRunEdits(runId: string, stop: StopRequest, onChange: () => void): void {
  setHandler(lookSignal, onChange);
  for (const [kind, name] of Object.entries(runEdits) as [RunEditKind, string][]) {
    setHandler(
      defineUpdate<void, [RunEditRequest]>(name),
      async ({ by, why }) => {
        await CancellationScope.nonCancellable(() => durableBooks.editRun({ run_id: runId, kind, by, why }));
        onChange();
      },
      { validator: (request) => refuse(stop, request, 'run.already_ended') },
    );
  }
}

/** The same for a sweep. */
export function listenForSweepEdits(sweepId: string, stop: StopRequest, onChange: () => void): void {
  for (const [kind, name] of Object.entries(sweepEdits)) {
    setHandler(
      defineUpdate<void, [SweepEditMessage]>(name),
      async (message) => {
        await CancellationScope.nonCancellable(() =>
          durableBooks.editSweep({ sweep_id: sweepId, ...message }),
        );
        onChange();
      },
      {
        validator: (message) => {
          refuse(stop, message, 'sweep.already_ended');
          if (message.edit?.kind !== kind || typeof message.update_id !== 'string') {
            throw ApplicationFailure.nonRetryable(`${name}: what is asked for is missing.`, 'spec.invalid');
          }
        },
      },
    );
  }
}

function refuse(stop: StopRequest, { by }: { readonly by: string }, endedCode: string): void {
  if (stop.isClosed || stop.by() !== undefined) {
    throw ApplicationFailure.nonRetryable('It has ended already.', endedCode);
  }
  if (typeof by !== 'string' || by === '') {
    throw ApplicationFailure.nonRetryable('by is missing.', 'spec.invalid');
  }
}
