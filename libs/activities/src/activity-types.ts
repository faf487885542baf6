import type {
  Asked,
  EarlyStop,
  ErrorCode,
  RunEditKind,
  RunPhase,
  SweepEdit,
  SweepPhase,
} from '@murnau/domain';
import type { EmbeddingConversionInput, GenerationInput, TokenCheckInput } from './workflow-inputs.js';
import type { WorkflowCard } from './start/workflow-card.js';

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

export interface RunFailure {
  readonly code: string;
  readonly message: string;
}

export interface TrialToStart {
  readonly run_id: string;
  readonly workflow_id: string;
  /** Absent: 0, the first start. */
  readonly chain?: number;
  readonly priority?: number;
  readonly card: WorkflowCard;
}

/** A sweep's line in Temporal's list: where it stands, and how its best trial does. Null: not known yet. */
export interface SweepRow {
  readonly MurnauPhase: SweepPhase | 'waiting';
  readonly MurnauStep: number | null;
  readonly MurnauEvalLoss: number | null;
  readonly MurnauImageAlignment: number | null;
}

export interface SweepStep {
  readonly action: 'run' | 'finish' | 'ended';
  readonly start: readonly TrialToStart[];
  /** Trials by phase. */
  readonly counts: Readonly<Record<string, number>>;
  readonly phase: SweepPhase;
  /** Markdown. Absent: what was shown last is new enough. */
  readonly details?: string;
  /** Comes with `details`; decisions recorded before it was shown have none. */
  readonly row?: SweepRow;
  /** Workflows of trials that are to look again at what is wanted of them. */
  readonly astray?: readonly string[];
  /** Decide again at once: there is more to do than one decision takes. */
  readonly more?: boolean;
  /** When to decide again at the latest, in milliseconds; absent: at the next reconciliation. */
  readonly wake_ms?: number;
  /** What it waits for. */
  readonly waits_for?: string;
}

export interface RunEditInput {
  readonly run_id: string;
  readonly kind: RunEditKind;
  readonly by: string;
  readonly why: string;
}

export interface SweepEditInput {
  readonly sweep_id: string;
  readonly edit: SweepEdit;
  readonly by: string;
  readonly why: string;
  /** Applied once. */
  readonly update_id: string;
}

export interface TrialStarted {
  readonly run_id: string;
  readonly chain: number;
}

export interface SweepQuestion {
  readonly sweep_id: string;
  readonly reconcile: boolean;
  /** Of the asking workflow. Absent: 0. */
  readonly chain?: number;
  /** The run of it that asks. */
  readonly sweep_run_id?: string;
  /** Trials that it has started since it asked last. */
  readonly started?: readonly TrialStarted[];
  /** Trials whose start is under way: they have their place, and are not to be started again. */
  readonly starting?: readonly TrialStarted[];
}

/** On the orchestrator's queue: decisions, and what is written down about them. */
export interface BookkeepingActivities {
  /** @param chain of the asking workflow, which proves by asking that it was started */
  decideNext(input: { run_id: string; chain?: number }): Promise<NextStep>;
  finishRun(input: { run_id: string; early_stop?: EarlyStop | null }): Promise<RunView>;
  waitRun(input: { run_id: string }): Promise<RunView>;
  pauseRun(input: { run_id: string }): Promise<RunView>;
  editRun(input: RunEditInput): Promise<void>;
  failRun(input: { run_id: string; failure: RunFailure }): Promise<RunView>;
  /** @param asked a person's word, to be put down; absent: nobody's own */
  cancelRun(input: { run_id: string; by: string; asked?: Asked | undefined }): Promise<RunView>;
  /** @param chain of the asking workflow, and the run of it that asks */
  decideSweep(input: SweepQuestion): Promise<SweepStep>;
  markTrialsStarted(input: { sweep_id: string; started: readonly TrialStarted[] }): Promise<void>;
  /** Whether Temporal itself tells the sweep that its trial has ended: the run of it that started the trial decides. */
  isSweepTold(input: { run_id: string; sweep_run_id: string }): Promise<boolean>;
  lookAgain(input: { workflow_ids: readonly string[] }): Promise<void>;
  editSweep(input: SweepEditInput): Promise<void>;
  cancelTrials(input: { sweep_id: string; by: string }): Promise<void>;
  endSweep(input: {
    sweep_id: string;
    phase: 'cancelled' | 'settled';
    asked?: Asked | undefined;
  }): Promise<{ phase: SweepPhase; details: string; row?: SweepRow }>;
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
