import type { SweepInput, SweepRow, SweepStep, TrialEnded, TrialStarted } from '@murnau/contracts';
import { workflowMessages } from '@murnau/contracts';
import { isEnded, isOpen } from '@murnau/domain';
import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { ShownRow, showAttributes } from '../attributes.js';
import type { BookkeepingActivities } from '../books.js';
import { durableBooks, nearBooks } from '../books.js';
import { listenForSweepEdits } from '../edits.js';
import { isPatched } from '../patches.js';
import type { StopRequest } from '../stop-request.js';
import { listenForStop } from '../stop-request.js';
import { RollingStarts } from './rolling-starts.js';
import { closingMs, startTrials } from './start-trial.js';

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
/** Starts that may be under way when the next ones, up to 50, are decided. */
const mostUnderWay = 50;

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
  const onNews = (): void => void (news += 1);
  let step: SweepStep | undefined;
  const row = new ShownRow();
  setHandler(sweepStatusQuery, () => ({
    phase: step?.phase ?? 'running',
    counts: step?.counts ?? {},
    chain,
  }));
  setHandler(trialEndedSignal, onNews);
  listenForSweepEdits(sweep_id, stop, onNews);

  const isRolling = isPatched('rollingStarts');
  const onEnded = isNear ? onNews : undefined;
  const rolling = new RollingStarts(onNews);
  /** Not noted in the store yet; each trial says so itself, too. */
  let started: readonly TrialStarted[] = [];
  const takeStarted = (): readonly TrialStarted[] => {
    const taken = isRolling ? rolling.takeConfirmed() : started;
    started = [];
    return taken;
  };
  const note = async (): Promise<void> => {
    const taken = takeStarted();
    if (taken.length > 0) await books.markTrialsStarted({ sweep_id, started: taken });
  };
  // After each continuation, signals may have gone to nobody.
  let isReconciling = chain > 0;
  for (let decisions = 1; ; decisions += 1) {
    if (stop.by() !== undefined) {
      await rolling.settled();
      await note();
      return cancelSweep(books, sweep_id, stop);
    }
    const seen = news;
    const isNews = (): boolean => news > seen || stop.by() !== undefined;
    const question = { sweep_id, reconcile: isReconciling, chain };
    // A look at each trial may take long.
    const isQuick = isNear && !isReconciling;
    const asked = {
      ...question,
      ...(isNear && { sweep_run_id: workflowInfo().runId, started: takeStarted() }),
      ...(isRolling && { starting: rolling.underWay() }),
    };
    step = await (isQuick ? books : durableBooks).decideSweep(asked);
    if (step.details !== undefined) setCurrentDetails(step.details);
    if (step.row !== undefined) row.show(step.row);
    if (step.action !== 'run') {
      await rolling.settled();
      const outcome = await finishSweep(books, sweep_id, step, stop);
      if (outcome !== undefined) return outcome;
      continue;
    }
    if (isRolling) rolling.begin(step.start);
    else started = await startTrials(step.start, onEnded);
    const isStarted = isRolling || started.length === step.start.length;
    if (!isNear && step.start.length > 0) {
      await books.markTrialsStarted({ sweep_id, started });
      started = [];
    }
    if (step.astray !== undefined && step.astray.length > 0) {
      await books.lookAgain({ workflow_ids: step.astray });
    }
    if (workflowInfo().continueAsNewSuggested || decisions >= decisions_per_chain) {
      await rolling.settled();
      await note();
      await condition(allHandlersFinished);
      if (stop.by() === undefined) await continueAsNew<typeof sweep>({ ...input, chain: chain + 1 });
    }
    isReconciling = false;
    // A full window of starts means that more may be waiting: decide again at once.
    if (step.start.length >= 50 || step.more === true) {
      await rolling.settled(mostUnderWay);
      continue;
    }
    const wakeMs = isStarted ? (step.wake_ms ?? reconcileIntervalMs) : closingMs;
    const waitsFor = step.waits_for ?? 'a trial ends, or the next reconciliation';
    isReconciling = !(await condition(isNews, wakeMs, { summary: `until ${waitsFor}` })) && isStarted;
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
    step.action === 'ended' ? step : await books.endSweep({ sweep_id: sweepId, phase: 'settled' });
  if (isOpen(outcome.phase)) {
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
    const { counts, details, row } = await books.decideSweep({ sweep_id: sweepId, reconcile: true });
    if (isSettled(counts)) return end({ phase: outcome.phase, details, row }, stop);
    await condition(() => false, cancelPollMs, { summary: 'until the trials have ended' });
  }
}

const isSettled = (counts: Readonly<Record<string, number>>): boolean =>
  Object.entries(counts).every(([phase, count]) => isEnded(phase) || count === 0);

async function end(
  outcome: { phase: string; details?: string | undefined; row?: SweepRow | undefined },
  stop: StopRequest,
): Promise<SweepOutcome> {
  const { phase, details, row } = outcome;
  if (details !== undefined) setCurrentDetails(details);
  showAttributes({ MurnauPhase: phase, ...row });
  await condition(allHandlersFinished);
  if (phase === 'failed') throw ApplicationFailure.nonRetryable('All trials failed.', 'sweep.failed');
  if (phase === 'cancelled' && stop.isNative()) throw new CancelledFailure('The sweep was cancelled.');
  return { phase };
}
