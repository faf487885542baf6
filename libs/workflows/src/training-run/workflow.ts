import { fairnessKeyOf, runActivitySummaries, trainQueue, workflowMessages } from '@murnau/contracts';
import type {
  RunActivities,
  RunEnding,
  RunFacts,
  RunView,
  SegmentInput,
  TrainingActivities,
  TrainingRunInput,
  TrialEnded,
} from '@murnau/contracts';
import type { RunPhase } from '@murnau/domain';
import {
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
import { localThenQueued } from '../local-then-queued.js';
import { runToEnd } from '../run-to-end.js';
import type { Requests } from '../run-to-end.js';
import { ShownAttributes } from '../show.js';
import { listenForRunEdits } from './edits.js';

const retry = { initialInterval: '200 ms', backoffCoefficient: 1 } as const;
const { decideRun, pauseRun, endRun, isParentDeciding } = localThenQueued<RunActivities>({
  local: { startToCloseTimeout: '10 s' },
  queued: { startToCloseTimeout: '10 min', heartbeatTimeout: '4 s', retry },
  summaries: runActivitySummaries,
});
/** A segment lives by its heartbeats: four in their timeout, or two of a process that serves many workers. */
const { trainSegment } = proxyActivities<TrainingActivities>({
  startToCloseTimeout: '12 h',
  heartbeatTimeout: '2 s',
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  retry,
});

export const runStatusQuery = defineQuery<RunStatus>(workflowMessages.status);
const trialEndedSignal = defineSignal<[TrialEnded]>(workflowMessages.trialEnded);

interface RunStatus {
  readonly phase: string;
  readonly step: number;
  readonly chain: number;
  /** Segments of this run of the workflow. */
  readonly segment: number;
}

interface RunOutcome {
  readonly phase: RunPhase;
  readonly step: number;
}

/** `ended`: the store has the end already. */
type Ending = RunEnding | { readonly kind: 'ended'; readonly view: RunView };

/** One run, from its first segment to its published embedding, or to a rung. */
export async function trainingRun(input: TrainingRunInput): Promise<RunOutcome> {
  const { run_id, chain = 0, segments_per_chain = 200 } = input;
  const attributes = new ShownAttributes(chain === 0 ? { MurnauPhase: 'queued', MurnauStep: 0 } : {});
  let segments = 0;
  let view: RunView | undefined;
  let sweepWorkflowId: string | null = null;

  function show(shown: RunView): void {
    view = shown;
    setCurrentDetails(shown.details);
    attributes.show({
      MurnauPhase: shown.phase,
      MurnauStep: shown.step,
      MurnauEvalLoss: shown.eval_loss,
      MurnauImageAlignment: shown.image_alignment,
    });
  }

  function listen(requests: Requests): void {
    setHandler(runStatusQuery, () => ({
      phase: view?.phase ?? 'queued',
      step: view?.step ?? 0,
      chain,
      segment: segments,
    }));
    listenForRunEdits(run_id, requests);
  }

  async function step(requests: Requests): Promise<Ending | undefined> {
    const { facts, action, view: decided } = await decideRun({ run_id, chain });
    sweepWorkflowId = facts.sweep_workflow_id;
    switch (action.kind) {
      case 'ended':
        return { kind: 'ended', view: decided };
      case 'finish':
        return { kind: 'finished', early_stop: action.early_stop };
      case 'wait':
        return { kind: 'waiting' };
      case 'cancel':
        return { kind: 'cancelled', by: action.by };
      case 'pause':
        show(await pauseRun({ run_id }));
        // It holds no device. Its resumption is a request; of a paused sweep, the sweep signals it.
        await condition(() => requests.hasNew());
        return undefined;
      case 'train': {
        show(decided);
        const { order, from_step, until_step, alone } = action;
        const segment = { run_id, ...order, until_step, segment_max_s: facts.segment_max_s, alone };
        await train(segment, from_step, facts, requests);
        segments += 1;
        if (workflowInfo().continueAsNewSuggested || segments >= segments_per_chain) {
          const next = { ...input, chain: chain + 1 };
          if (await requests.drained()) await continueAsNew<typeof trainingRun>(next);
        }
        return undefined;
      }
    }
  }

  async function end(ending: Ending): Promise<RunOutcome> {
    const ended = ending.kind === 'ended' ? ending.view : await endRun({ run_id, ending });
    show(ended);
    const { phase } = ended;
    if (sweepWorkflowId !== null) await notifySweep(sweepWorkflowId, { run_id, phase });
    return { phase, step: ended.step };
  }

  return runToEnd<Ending, RunOutcome>({ kind: 'run', listen, step, end });
}

/** One segment on any worker that serves the model. A request interrupts it. */
async function train(
  segment: SegmentInput,
  from_step: number,
  { model, owner, priority }: RunFacts,
  requests: Requests,
): Promise<void> {
  const options = {
    taskQueue: trainQueue(model),
    summary: `steps ${from_step}–${segment.until_step}, ${segment.alone ? 'alone on a worker' : `at most ${segment.segment_max_s} s`}`,
    priority: { priorityKey: priority, fairnessKey: fairnessKeyOf(owner) },
  };
  try {
    await requests.interruptible(() => trainSegment.executeWithOptions(options, [segment]));
  } catch (error) {
    // An interrupted segment may have been cancelled before it began, or lost on the way.
    if (!requests.hasNew()) throw error;
  }
}

/**
 * Signals the sweep that its trial has ended. Not needed where Temporal itself notifies the run of the sweep's workflow
 * that decides; asked after the end is stored, so that a later run of it reads the end in the store.
 */
async function notifySweep(sweepWorkflowId: string, ended: TrialEnded): Promise<void> {
  const { parent } = workflowInfo();
  try {
    if (parent?.workflowId === sweepWorkflowId) {
      if (await isParentDeciding({ run_id: ended.run_id, parent_run_id: parent.runId })) return;
    }
    await getExternalWorkflowHandle(sweepWorkflowId).signal(trialEndedSignal, ended);
  } catch (error) {
    // A sweep that has closed needs no signal; an open one reads the store from time to time.
    if (isCancellation(error)) throw error;
  }
}
