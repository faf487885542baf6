import type { TrialStarted, TrialToStart } from '@murnau/contracts';
import { attributePairs, orchestratorQueue, workflowTaskTimeoutMs, workflowTypes } from '@murnau/contracts';
import { ParentClosePolicy, startChild } from '@temporalio/workflow';

/** How soon to start again a trial whose former workflow is about to close. */
export const closingMs = 200;

/** @returns those that were; the former workflow of another has not closed yet, so that it could not be started again */
export async function startTrials(
  trials: readonly TrialToStart[],
  onEnded: (() => void) | undefined,
): Promise<TrialStarted[]> {
  const are = await Promise.all(trials.map((trial) => startTrial(trial, onEnded)));
  return trials.filter((_, index) => are[index]).map(({ run_id, chain = 0 }) => ({ run_id, chain }));
}

/** @param onEnded is called when its workflow has closed while this run of the sweep is there to hear of it */
export async function startTrial(
  { run_id, workflow_id, chain = 0, priority, card }: TrialToStart,
  onEnded: (() => void) | undefined,
): Promise<boolean> {
  try {
    const trial = await startChild(workflowTypes.trainingRun, {
      workflowId: workflow_id,
      taskQueue: orchestratorQueue,
      args: [{ run_id, chain }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      // One that waited at a rung, or failed and is tried again, has had a workflow of this id.
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      ...(priority === undefined ? {} : { priority: { priorityKey: priority } }),
      staticSummary: card.summary,
      staticDetails: card.details,
      typedSearchAttributes: attributePairs(card.attributes),
      workflowTaskTimeout: workflowTaskTimeoutMs,
    });
    if (onEnded !== undefined) void trial.result().then(onEnded, onEnded);
    return true;
  } catch (error) {
    // Its former workflow is about to close; or it was started before and the note of it lost: then it says so itself.
    if (!(error instanceof Error) || error.name !== 'WorkflowExecutionAlreadyStartedError') throw error;
    return false;
  }
}
