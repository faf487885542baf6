import type {
  NextStep,
  RunView,
  SegmentResult,
  TrainingActivities,
  TrainingRunInput,
  TrialEnded,
} from '@murnau/contracts';
import { failureOf, trainQueue, workflowMessages } from '@murnau/contracts';
import type { Asked } from '@murnau/domain';
import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  getExternalWorkflowHandle,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { showAttributes } from '../attributes.js';
import { listenForRunEdits } from '../edits.js';
import type { BookkeepingActivities } from '../books.js';
import { durableBooks, nearBooks } from '../books.js';
import { isPatched } from '../patches.js';
import { deviceOptions } from '../retry.js';
import type { StopRequest } from '../stop-request.js';
import { listenForStop } from '../stop-request.js';

const device = proxyActivities<TrainingActivities>(deviceOptions);

export interface RunStatus {
  readonly phase: string;
  readonly step: number;
  readonly chain: number;
  readonly segment: number;
}

export const runStatusQuery = defineQuery<RunStatus>(workflowMessages.status);
const trialEndedSignal = defineSignal<[TrialEnded]>(workflowMessages.trialEnded);

export interface RunOutcome {
  readonly phase: string;
  readonly step: number;
}

/** One run, from its first segment to its published embedding. */
export async function trainingRun(input: TrainingRunInput): Promise<RunOutcome> {
  const stop = listenForStop('run.already_ended');
  return CancellationScope.nonCancellable(() => trainRun(input, stop));
}

async function trainRun(input: TrainingRunInput, stop: StopRequest): Promise<RunOutcome> {
  const { run_id, chain = 0, segments_per_chain = 200 } = input;
  const isNear = isPatched('nearRunBooks');
  const books = isNear ? nearBooks : durableBooks;
  let segment = 0;
  let looks = 0;
  let view: RunView | undefined;
  listenForRunEdits(run_id, stop, () => {
    looks += 1;
    stop.interrupt();
  });
  setHandler(runStatusQuery, () => ({
    phase: view?.phase ?? 'queued',
    step: view?.step ?? 0,
    chain,
    segment,
  }));

  const show = (shown: RunView): void => {
    const isNews = !isNear || !showsAlready(view ?? (chain === 0 ? atStart : undefined), shown);
    view = shown;
    setCurrentDetails(shown.details);
    if (!isNews) return;
    showAttributes({
      MurnauPhase: shown.phase,
      MurnauStep: shown.step,
      MurnauEvalLoss: shown.eval_loss,
      MurnauImageAlignment: shown.image_alignment,
    });
  };

  for (;;) {
    const seen = looks;
    const isAsked = (): boolean => looks > seen || stop.by() !== undefined;
    const next = await books.decideNext({ run_id, chain });
    // What follows at once shows itself.
    if (!isNear || next.action.kind === 'train' || next.action.kind === 'ended') show(next.view);
    const by = stop.by() ?? (next.action.kind === 'cancel' ? next.action.by : undefined);
    if (by === undefined && next.action.kind === 'pause') {
      show(await books.pauseRun({ run_id }));
      // Holds no device; whoever resumes it says so, and the sweep looks after its own.
      await condition(isAsked);
      continue;
    }
    if (by !== undefined || next.action.kind !== 'train') {
      stop.close();
      const ended = await endAs(books, next, run_id, { by, asked: stop.asked() });
      if (ended !== undefined) show(ended);
      return end(next, ended ?? next.view, stop, isNear);
    }
    // Something was asked while this was decided.
    if (looks > seen) continue;
    segment += 1;
    try {
      await trainSegment(next, { chain, segment }, stop);
    } catch (error) {
      // A segment that was asked to stop may have been cancelled before it began, or lost on the way.
      if (isAsked()) continue;
      stop.close();
      const failed = await books.failRun({ run_id, failure: failureOf(error) });
      show(failed);
      return end(next, failed, stop, isNear);
    }
    if (workflowInfo().continueAsNewSuggested || segment >= segments_per_chain) {
      await condition(allHandlersFinished);
      if (stop.by() === undefined) await continueAsNew<typeof trainingRun>({ ...input, chain: chain + 1 });
    }
  }
}

/** What ends this workflow, written down. Undefined: it was written down before. */
async function endAs(
  books: BookkeepingActivities,
  { action }: NextStep,
  run_id: string,
  { by, asked }: { by: string | undefined; asked: Asked | undefined },
): Promise<RunView | undefined> {
  if (action.kind === 'ended') return undefined;
  if (action.kind === 'finish') return books.finishRun({ run_id, early_stop: action.early_stop ?? null });
  if (action.kind === 'wait' && by === undefined) return books.waitRun({ run_id });
  return books.cancelRun({ run_id, by: by ?? 'nobody', asked });
}

async function trainSegment(
  { facts, action }: NextStep,
  order: { chain: number; segment: number },
  stop: StopRequest,
): Promise<SegmentResult> {
  if (action.kind !== 'train') throw new TypeError('nothing to train');
  const { run_id, model, owner, priority = 3, segment_max_s } = facts;
  const { from_step, until_step } = action;
  return stop.interruptible(() =>
    device.trainSegment.executeWithOptions(
      {
        taskQueue: trainQueue(model),
        summary: `steps ${from_step}–${until_step}, at most ${segment_max_s} s`,
        priority: { priorityKey: priority, fairnessKey: owner.slice(0, 64) },
      },
      [{ run_id, ...order, until_step, segment_max_s }],
    ),
  );
}

/** Tells the sweep, and says how the run ended in the way that Temporal's own lists show it. */
async function end(
  { facts }: NextStep,
  view: RunView,
  stop: StopRequest,
  isNear: boolean,
): Promise<RunOutcome> {
  const { run_id, sweep_workflow_id } = facts;
  if (sweep_workflow_id !== null && !(isNear && (await isSweepTold(run_id, sweep_workflow_id)))) {
    try {
      await getExternalWorkflowHandle(sweep_workflow_id).signal(trialEndedSignal, {
        run_id,
        phase: view.phase,
      });
    } catch (error) {
      // A sweep that has ended needs no word; one that is there reads the store from time to time.
      if (isCancellation(error)) throw error;
    }
  }
  await condition(allHandlersFinished);
  const { phase, step } = view;
  if (phase === 'failed')
    throw ApplicationFailure.nonRetryable(`The run failed at step ${step}.`, 'run.failed');
  if (phase === 'cancelled' && stop.isNative()) throw new CancelledFailure('The run was cancelled.');
  return { phase, step };
}

/**
 * The run of the sweep's workflow that started this one hears of its end from Temporal, for as long as it is the one
 * that decides: asked after the end is stored, so that a later one reads of it there.
 */
async function isSweepTold(run_id: string, sweepWorkflowId: string): Promise<boolean> {
  const { parent } = workflowInfo();
  if (parent?.workflowId !== sweepWorkflowId) return false;
  return nearBooks.isSweepTold({ run_id, sweep_run_id: parent.runId });
}

/** What the card of a run that begins says. */
const atStart = { phase: 'queued', step: 0, eval_loss: null, image_alignment: null } as const;

type Attributes = Pick<RunView, 'phase' | 'step' | 'eval_loss' | 'image_alignment'>;

function showsAlready(before: Attributes | undefined, now: Attributes): boolean {
  return (
    before?.phase === now.phase &&
    before.step === now.step &&
    before.eval_loss === now.eval_loss &&
    before.image_alignment === now.image_alignment
  );
}
