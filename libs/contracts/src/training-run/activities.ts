import type { EarlyStop, RunEditKind, RunPhase } from '@murnau/domain';
import type { Ending } from '../ending.js';

/** What a run's workflow needs to know of it; fixed for the run's life. */
export interface RunFacts {
  readonly run_id: string;
  readonly model: string;
  readonly owner: string;
  /** 1 is served first, 5 last. */
  readonly priority: number;
  /** Null: not a trial. */
  readonly sweep_workflow_id: string | null;
  readonly segment_max_s: number;
}

/** Place of a segment among all segments of its run: above every one that has claimed the run. */
export interface SegmentOrder {
  readonly chain: number;
  readonly segment: number;
}

export type RunAction =
  | {
      readonly kind: 'train';
      readonly from_step: number;
      readonly until_step: number;
      readonly order: SegmentOrder;
      /** Its worker died too often: nothing else is to be on the worker meanwhile. */
      readonly alone: boolean;
    }
  | { readonly kind: 'finish'; readonly early_stop: EarlyStop | null }
  /** It has come as far as it may now: it ends its workflow, and is started again if it is promoted. */
  | { readonly kind: 'wait' }
  | { readonly kind: 'pause'; readonly by: string }
  | { readonly kind: 'cancel'; readonly by: string }
  | { readonly kind: 'ended'; readonly phase: RunPhase };

/** What the Temporal UI shows of a run. */
export interface RunView {
  readonly phase: RunPhase;
  readonly step: number;
  readonly eval_loss: number | null;
  readonly image_alignment: number | null;
  /** Markdown. */
  readonly details: string;
}

export interface RunStep {
  readonly facts: RunFacts;
  readonly action: RunAction;
  readonly view: RunView;
}

interface RunEditInput {
  readonly run_id: string;
  readonly kind: RunEditKind;
  readonly by: string;
  readonly why: string;
  /** Applied once. */
  readonly update_id: string;
}

export type RunEnding =
  | { readonly kind: 'finished'; readonly early_stop: EarlyStop | null }
  /** At a rung: the workflow ends, the run does not. */
  | { readonly kind: 'waiting' }
  | Ending;

/** On the orchestrator's queue: a run's decisions, and what is stored about them. */
export interface RunActivities {
  /** @param input.chain of the calling workflow, whose call implies that it was started */
  decideRun(input: { run_id: string; chain: number }): Promise<RunStep>;
  pauseRun(input: { run_id: string }): Promise<RunView>;
  editRun(input: RunEditInput): Promise<void>;
  /** An ended run stays as it ended. */
  endRun(input: { run_id: string; ending: RunEnding }): Promise<RunView>;
  /**
   * Whether the run of the sweep's workflow that started a trial is still the one that decides: then Temporal itself
   * notifies it of the trial's end.
   */
  isParentDeciding(input: { run_id: string; parent_run_id: string }): Promise<boolean>;
}

/** What the Temporal UI says of each. */
export const runActivitySummaries = {
  decideRun: 'what the run does next',
  pauseRun: 'the run is paused',
  editRun: 'a person edits the run',
  endRun: 'the run ends, or waits at a rung',
  isParentDeciding: 'whether the sweep is notified by Temporal',
} as const satisfies Record<keyof RunActivities, string>;

export interface SegmentInput {
  readonly run_id: string;
  readonly chain: number;
  readonly segment: number;
  readonly until_step: number;
  readonly segment_max_s: number;
  /** Nothing else may be on the worker: the segment waits for that, and ends at its first certified step. */
  readonly alone: boolean;
}

/**
 * Why a segment ended without failing. `time`: its time was over; `draining`: the worker is going down;
 * `stopped`: the workflow asked; `fenced`: another attempt has the run; `ended`: the run has ended meanwhile;
 * `alone`: its worker has died too often, and the next segment has one for itself.
 */
export type SegmentEnd = 'until_step' | 'time' | 'draining' | 'stopped' | 'fenced' | 'ended' | 'alone';

export interface SegmentResult {
  /** Newest stored checkpoint. */
  readonly step: number;
  readonly end: SegmentEnd;
}

/** On `train/<model>`. */
export interface TrainingActivities {
  trainSegment(input: SegmentInput): Promise<SegmentResult>;
}
