import type {
  BookkeepingActivities,
  SweepInput,
  SweepStep,
  TrialEnded,
  TrialToStart,
} from '@murnau/activities';
import { orchestratorQueue, workflowMessages, workflowTypes } from '@murnau/domain';
import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  ParentClosePolicy,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import { attributePairs, showAttributes } from '../attributes.js';
import { listenForSweepEdits } from '../edits.js';
import { bookkeepingOptions } from '../retry.js';
import type { StopRequest } from '../stop-request.js';
import { listenForStop } from '../stop-request.js';

const books = proxyActivities<BookkeepingActivities>(bookkeepingOptions);

export interface SweepStatus {
  readonly phase: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly chain: number;
}

export const sweepStatusQuery = defineQuery<SweepStatus>(workflowMessages.status);
export const trialEndedSignal = defineSignal<[TrialEnded]>(workflowMessages.trialEnded);

const defaultReconcileIntervalMs = 20_000;
/** How often a sweep that was cancelled looks whether its trials have ended. */
const cancelPollMs = 500;
/** How soon to start again a trial whose former workflow is about to close. */
const closingMs = 200;

export interface SweepOutcome {
  readonly phase: string;
}

/** Keeps a window of trials running until all have ended. Trials are workflows of their own and outlive it. */
export async function sweep(input: SweepInput): Promise<SweepOutcome> {
  const stop = listenForStop('sweep.already_ended');
  return CancellationScope.nonCancellable(() => runSweep(input, stop));
}

async function runSweep(input: SweepInput, stop: StopRequest): Promise<SweepOutcome> {
  const { sweep_id, chain = 0, decisions_per_chain = 500 } = input;
  const reconcileIntervalMs = input.reconcile_interval_ms ?? defaultReconcileIntervalMs;
  let news = 0;
  let step: SweepStep | undefined;
  setHandler(sweepStatusQuery, () => ({
    phase: step?.phase ?? 'running',
    counts: step?.counts ?? {},
    chain,
  }));
  setHandler(trialEndedSignal, () => void (news += 1));
  listenForSweepEdits(sweep_id, stop, () => void (news += 1));

  // After each continuation, signals may have gone to nobody.
  let isReconciling = chain > 0;
  for (let decisions = 1; ; decisions += 1) {
    if (stop.by() !== undefined) return cancelSweep(sweep_id, stop);
    const seen = news;
    const isNews = (): boolean => news > seen || stop.by() !== undefined;
    step = await books.decideSweep({ sweep_id, reconcile: isReconciling, chain });
    setCurrentDetails(step.details);
    if (step.action !== 'run') {
      const outcome = await finishSweep(sweep_id, step, stop);
      if (outcome !== undefined) return outcome;
      continue;
    }
    const isStarted = await startTrials(sweep_id, step.start);
    if (step.astray !== undefined && step.astray.length > 0) {
      await books.lookAgain({ workflow_ids: step.astray });
    }
    if (workflowInfo().continueAsNewSuggested || decisions >= decisions_per_chain) {
      await condition(allHandlersFinished);
      if (stop.by() === undefined) await continueAsNew<typeof sweep>({ ...input, chain: chain + 1 });
    }
    isReconciling = false;
    // A full window of starts means that more may be waiting: decide again at once.
    if (step.start.length >= 50 || step.more === true) continue;
    const wakeMs = isStarted ? (step.wake_ms ?? reconcileIntervalMs) : closingMs;
    const waitsFor = step.waits_for ?? 'a trial ends, or the next reconciliation';
    isReconciling = !(await condition(isNews, wakeMs, { summary: `until ${waitsFor}` })) && isStarted;
  }
}

/** @returns false: a trial's former workflow has not closed yet, so that it could not be started again. */
async function startTrials(sweepId: string, trials: readonly TrialToStart[]): Promise<boolean> {
  if (trials.length === 0) return true;
  const are = await Promise.all(trials.map(startTrial));
  const started = trials.filter((_, index) => are[index]).map(({ run_id, chain = 0 }) => ({ run_id, chain }));
  await books.markTrialsStarted({ sweep_id: sweepId, started });
  return started.length === trials.length;
}

async function startTrial({
  run_id,
  workflow_id,
  chain = 0,
  priority,
  card,
}: TrialToStart): Promise<boolean> {
  try {
    await startChild(workflowTypes.trainingRun, {
      workflowId: workflow_id,
      taskQueue: orchestratorQueue,
      args: [{ run_id, chain }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      // One that waited at a rung, or failed and is tried again, has had a workflow of this id.
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      ...(priority === undefined ? {} : { priority: { priorityKey: priority } }),
      staticSummary: card.summary,
      staticDetails: card.details,
      typedSearchAttributes: attributePairs(card.attributes) as never,
    });
    return true;
  } catch (error) {
    // Its former workflow is about to close; or it was started before and the note of it lost: then it says so itself.
    if (!(error instanceof Error) || error.name !== 'WorkflowExecutionAlreadyStartedError') throw error;
    return false;
  }
}

/** Undefined: there is something to do again. */
async function finishSweep(
  sweepId: string,
  step: SweepStep,
  stop: StopRequest,
): Promise<SweepOutcome | undefined> {
  // An edit that is being written down may give it something to do.
  await condition(allHandlersFinished);
  stop.close();
  const outcome =
    step.action === 'ended'
      ? { phase: step.phase, details: step.details }
      : await books.endSweep({ sweep_id: sweepId, phase: 'settled' });
  if (outcome.phase === 'running' || outcome.phase === 'paused') {
    stop.reopen();
    return undefined;
  }
  return end(outcome, stop);
}

/** First the store, so that every trial learns of it at its next segment; then each trial, until all have ended. */
async function cancelSweep(sweepId: string, stop: StopRequest): Promise<SweepOutcome> {
  stop.close();
  const outcome = await books.endSweep({ sweep_id: sweepId, phase: 'cancelled' });
  showAttributes({ MurnauPhase: outcome.phase });
  for (;;) {
    await books.cancelTrials({ sweep_id: sweepId, by: stop.by() ?? 'nobody' });
    const { counts, details } = await books.decideSweep({ sweep_id: sweepId, reconcile: true });
    if (isSettled(counts)) return end({ phase: outcome.phase, details }, stop);
    await condition(() => false, cancelPollMs, { summary: 'until the trials have ended' });
  }
}

const isSettled = (counts: Readonly<Record<string, number>>): boolean =>
  ['waiting', 'queued', 'running', 'paused'].every((phase) => (counts[phase] ?? 0) === 0);

async function end(outcome: { phase: string; details: string }, stop: StopRequest): Promise<SweepOutcome> {
  const { phase, details } = outcome;
  setCurrentDetails(details);
  showAttributes({ MurnauPhase: phase });
  await condition(allHandlersFinished);
  if (phase === 'failed') throw ApplicationFailure.nonRetryable('All trials failed.', 'sweep.failed');
  if (phase === 'cancelled' && stop.isNative()) throw new CancelledFailure('The sweep was cancelled.');
  return { phase };
}
