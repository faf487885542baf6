import type { ErrorCode, RunPhase, SweepPhase } from '@murnau/domain';
import type { EmbeddingConversionInput, GenerationInput, TokenCheckInput } from './workflow-inputs.js';
import type { WorkflowCard } from './start/workflow-card.js';

/** What a run's workflow needs to know of it; fixed for the run's life. */
export interface RunFacts {
  readonly run_id: string;
  readonly model: string;
  readonly owner: string;
  /** Null: not a trial. */
  readonly sweep_workflow_id: string | null;
  readonly segment_max_s: number;
}

export type RunAction =
  | { readonly kind: 'train'; readonly from_step: number; readonly until_step: number }
  | { readonly kind: 'finish' }
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

export interface RunFailure {
  readonly code: string;
  readonly message: string;
}

export interface TrialToStart {
  readonly run_id: string;
  readonly workflow_id: string;
  readonly card: WorkflowCard;
}

export interface SweepStep {
  readonly action: 'run' | 'finish' | 'ended';
  readonly start: readonly TrialToStart[];
  /** Trials by phase; `waiting` are those not started. */
  readonly counts: Readonly<Record<string, number>>;
  readonly phase: SweepPhase;
  /** Markdown. */
  readonly details: string;
}

/** On the orchestrator's queue: decisions, and what is written down about them. */
export interface BookkeepingActivities {
  decideNext(input: { run_id: string }): Promise<NextStep>;
  finishRun(input: { run_id: string }): Promise<RunView>;
  failRun(input: { run_id: string; failure: RunFailure }): Promise<RunView>;
  cancelRun(input: { run_id: string; by: string }): Promise<RunView>;
  decideSweep(input: { sweep_id: string; reconcile: boolean }): Promise<SweepStep>;
  markTrialsStarted(input: { sweep_id: string; run_ids: readonly string[] }): Promise<void>;
  cancelTrials(input: { sweep_id: string; by: string }): Promise<void>;
  endSweep(input: {
    sweep_id: string;
    phase: 'cancelled' | 'settled';
  }): Promise<{ phase: SweepPhase; details: string }>;
  endGeneration(input: {
    generation_id: string;
    phase: 'failed' | 'cancelled';
    failure?: RunFailure;
  }): Promise<void>;
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

export interface ConversionResult {
  readonly hash: string;
  readonly size_bytes: number;
  readonly placeholder_token: string;
  readonly initializer_token: string | null;
  readonly num_vectors: number;
  readonly pooling: 'eot' | 'argmax';
  readonly step: number;
}

export interface WordProblem {
  /** Which of the request's words. */
  readonly index: number;
  readonly code: ErrorCode;
  readonly message: string;
  readonly field?: string | undefined;
  readonly given?: string | undefined;
  readonly allowed?: string | undefined;
}

/** On `generate/<model>`. */
export interface GenerationActivities {
  generateImages(input: GenerationInput): Promise<{ images: number }>;
  convertEmbedding(input: EmbeddingConversionInput): Promise<ConversionResult>;
  checkTokens(input: TokenCheckInput): Promise<WordProblem[]>;
}
