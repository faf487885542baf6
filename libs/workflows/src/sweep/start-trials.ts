import { attributePairs, orchestratorQueue, workflowTaskTimeoutMs, workflowTypes } from '@murnau/contracts';
import type { TrialStarted, TrialToStart } from '@murnau/contracts';
import { condition, ParentClosePolicy, sleep, startChild } from '@temporalio/workflow';

/** How soon to start again a trial whose former workflow is about to close, in milliseconds: doubling while it is not. */
const shortestRetryMs = 200;
const longestRetryMs = 30_000;

/** Starts of trials that are under way while their sweep goes on deciding. A start takes as long as Temporal is busy. */
export class TrialStarts {
  private readonly pending = new Set<TrialStarted>();
  private confirmed: TrialStarted[] = [];
  /** How long each trial that could not be started waits, should it be refused again. */
  private readonly retryMs = new Map<string, number>();
  private failure: { readonly error: unknown } | undefined;

  /** @param onChange is called when there is something to decide: a trial has ended, or is to be started again */
  constructor(private readonly onChange: () => void) {}

  begin(trials: readonly TrialToStart[]): void {
    for (const trial of trials) void this.start(trial);
  }

  underWay(): readonly TrialStarted[] {
    return [...this.pending];
  }

  /** Those of which the store does not know yet; each trial's first decision stores it, too. */
  takeConfirmed(): readonly TrialStarted[] {
    const taken = this.confirmed;
    this.confirmed = [];
    return taken;
  }

  /** @throws what a start failed with */
  throwFailure(): void {
    if (this.failure !== undefined) throw this.failure.error;
  }

  /** Waits until no more than `most` are under way. */
  async settled(most = 0): Promise<void> {
    await condition(() => this.pending.size <= most);
  }

  private async start(trial: TrialToStart): Promise<void> {
    const start = { run_id: trial.run_id, chain: trial.chain };
    this.pending.add(start);
    try {
      if (await startTrial(trial, this.onChange)) {
        this.retryMs.delete(trial.run_id);
        this.confirmed.push(start);
      } else {
        // It keeps its place until its former workflow has closed.
        const waitMs = this.retryMs.get(trial.run_id) ?? shortestRetryMs;
        this.retryMs.set(trial.run_id, Math.min(waitMs * 2, longestRetryMs));
        await sleep(waitMs);
        this.onChange();
      }
    } catch (error) {
      this.failure ??= { error };
      this.onChange();
    } finally {
      this.pending.delete(start);
    }
  }
}

/**
 * @param onEnded is called when its workflow has closed while this run of the sweep's workflow is open
 * @returns false: its former workflow has not closed yet, so that it could not be started
 */
async function startTrial(
  { run_id, workflow_id, chain, priority, card }: TrialToStart,
  onEnded: () => void,
): Promise<boolean> {
  try {
    const trial = await startChild(workflowTypes.trainingRun, {
      workflowId: workflow_id,
      taskQueue: orchestratorQueue,
      args: [{ run_id, chain }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      // One that waited at a rung, or failed and is tried again, has had a workflow of this id.
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      priority: { priorityKey: priority },
      staticSummary: card.summary,
      staticDetails: card.details,
      typedSearchAttributes: attributePairs(card.attributes),
      workflowTaskTimeout: workflowTaskTimeoutMs,
    });
    void trial.result().then(onEnded, onEnded);
    return true;
  } catch (error) {
    // Its former workflow is about to close; or it was started before, and the confirmation was lost.
    if (!(error instanceof Error) || error.name !== 'WorkflowExecutionAlreadyStartedError') throw error;
    return false;
  }
}
