import type { Asked, EarlyStop, RunEditKind, RunPhase } from '@murnau/domain';
import type { RunFailure } from '../failures.js';

/** What a run's workflow needs to know of it; fixed for the run's life. */
export interface RunFacts {
  readonly run_id: string;
  readonly model: string;
  readonly owner: string;
  /** 1 is served first, 5 last. Absent: 3. */
  readonly priority?: number;
  /** Null: not a trial. */
  readonly sweep_workflow_id: string | null;
  readonly segment_max_s: number;
}

export type RunAction =
  | { readonly kind: 'train'; readonly from_step: number; readonly until_step: number }
  | { readonly kind: 'finish'; readonly early_stop?: EarlyStop | null }
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

export interface NextStep {
  readonly facts: RunFacts;
  readonly action: RunAction;
  readonly view: RunView;
}

export interface RunEditInput {
  readonly run_id: string;
  readonly kind: RunEditKind;
  readonly by: string;
  readonly why: string;
}

/** On the orchestrator's queue: a run's decisions, and what is written down about them. */
export interface RunActivities {
  /** @param chain of the asking workflow, which proves by asking that it was started */
  decideNext(input: { run_id: string; chain?: number }): Promise<NextStep>;
  finishRun(input: { run_id: string; early_stop?: EarlyStop | null }): Promise<RunView>;
  waitRun(input: { run_id: string }): Promise<RunView>;
  pauseRun(input: { run_id: string }): Promise<RunView>;
  editRun(input: RunEditInput): Promise<void>;
  failRun(input: { run_id: string; failure: RunFailure }): Promise<RunView>;
  /** @param asked a person's word, to be put down; absent: nobody's own */
  cancelRun(input: { run_id: string; by: string; asked?: Asked | undefined }): Promise<RunView>;
}

export interface SegmentInput {
  readonly run_id: string;
  readonly chain: number;
  readonly segment: number;
  readonly until_step: number;
  readonly segment_max_s: number;
}

/**
 * Why a segment ended without failing. `time`: its time was over; `draining`: the worker is going down;
 * `stopped`: the workflow asked; `fenced`: another attempt has the run; `ended`: the run has ended meanwhile.
 */
export type SegmentEnd = 'until_step' | 'time' | 'draining' | 'stopped' | 'fenced' | 'ended';

export interface SegmentResult {
  /** Newest stored checkpoint. */
  readonly step: number;
  readonly end: SegmentEnd;
}

/** On `train/<model>`. */
export interface TrainingActivities {
  trainSegment(input: SegmentInput): Promise<SegmentResult>;
}
