import type {
  BookkeepingActivities,
  SweepInput,
  SweepStep,
  TrialEnded,
  TrialStarted,
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
  setCurrentDetails,
  setHandler,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import { attributePairs, showAttributes } from '../attributes.js';
import { durableBooks, nearBooks } from '../books.js';
import { listenForSweepEdits } from '../edits.js';
import { isPatched } from '../patches.js';
import { workflowTaskTimeout } from '../retry.js';
import type { StopRequest } from '../stop-request.js';
import { listenForStop } from '../stop-request.js';

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
  const isNear = isPatched('nearSweepBooks');
  const books = isNear ? nearBooks : durableBooks;
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

  const onEnded = isNear ? () => void (news += 1) : undefined;
  /** Not noted in the store yet; each trial says so itself, too. */
  let started: readonly TrialStarted[] = [];
  const note = async (): Promise<void> => {
    if (started.length > 0) await books.markTrialsStarted({ sweep_id, started });
    started = [];
  };
  // After each continuation, signals may have gone to nobody.
  let isReconciling = chain > 0;
  for (let decisions = 1; ; decisions += 1) {
    if (stop.by() !== undefined) {
      await note();
      return cancelSweep(books, sweep_id, stop);
    }
    const seen = news;
    const isNews = (): boolean => news > seen || stop.by() !== undefined;
    const question = { sweep_id, reconcile: isReconciling, chain };
    // A look at each trial may take long.
    const isQuick = isNear && !isReconciling;
    const asked = isNear ? { ...question, sweep_run_id: workflowInfo().runId, started } : question;
    step = await (isQuick ? books : durableBooks).decideSweep(asked);
    started = [];
    if (step.details !== undefined) setCurrentDetails(step.details);
    if (step.action !== 'run') {
      const outcome = await finishSweep(books, sweep_id, step, stop);
      if (outcome !== undefined) return outcome;
      continue;
    }
    started = await startTrials(step.start, onEnded);
    const isStarted = started.length === step.start.length;
    if (!isNear && step.start.length > 0) {
      await books.markTrialsStarted({ sweep_id, started });
      started = [];
    }
    if (step.astray !== undefined && step.astray.length > 0) {
      await books.lookAgain({ workflow_ids: step.astray });
    }
    if (workflowInfo().continueAsNewSuggested || decisions >= decisions_per_chain) {
      await note();
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

/** @returns those that were; the former workflow of another has not closed yet, so that it could not be started again */
async function startTrials(
  trials: readonly TrialToStart[],
  onEnded: (() => void) | undefined,
): Promise<TrialStarted[]> {
  const are = await Promise.all(trials.map((trial) => startTrial(trial, onEnded)));
  return trials.filter((_, index) => are[index]).map(({ run_id, chain = 0 }) => ({ run_id, chain }));
}

/** @param onEnded is called when its workflow has closed while this run of the sweep is there to hear of it */
async function startTrial(
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
      typedSearchAttributes: attributePairs(card.attributes) as never,
      workflowTaskTimeout,
    });
    if (onEnded !== undefined) void trial.result().then(onEnded, onEnded);
    return true;
  } catch (error) {
    // Its former workflow is about to close; or it was started before and the note of it lost: then it says so itself.
    if (!(error instanceof Error) || error.name !== 'WorkflowExecutionAlreadyStartedError') throw error;
    return false;
  }
}

/** Undefined: there is something to do again. */
async function finishSweep(
  books: BookkeepingActivities,
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
async function cancelSweep(
  books: BookkeepingActivities,
  sweepId: string,
  stop: StopRequest,
): Promise<SweepOutcome> {
  stop.close();
  const outcome = await books.endSweep({ sweep_id: sweepId, phase: 'cancelled', asked: stop.asked() });
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

async function end(
  outcome: { phase: string; details?: string | undefined },
  stop: StopRequest,
): Promise<SweepOutcome> {
  const { phase, details } = outcome;
  if (details !== undefined) setCurrentDetails(details);
  showAttributes({ MurnauPhase: phase });
  await condition(allHandlersFinished);
  if (phase === 'failed') throw ApplicationFailure.nonRetryable('All trials failed.', 'sweep.failed');
  if (phase === 'cancelled' && stop.isNative()) throw new CancelledFailure('The sweep was cancelled.');
  return { phase };
}
