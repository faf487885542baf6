import type { SweepEdit, SweepPhase } from '@murnau/domain';
import type { Ending } from '../ending.js';
import type { WorkflowCard } from '../workflow-card.js';

export interface TrialToStart {
  readonly run_id: string;
  readonly workflow_id: string;
  readonly chain: number;
  readonly priority: number;
  readonly card: WorkflowCard;
}

/** A sweep's line in Temporal's list: where it stands, and how its best trial does. Null: not known yet. */
export interface SweepRow {
  readonly MurnauPhase: SweepPhase | 'waiting';
  readonly MurnauStep: number | null;
  readonly MurnauEvalLoss: number | null;
  readonly MurnauImageAlignment: number | null;
}

/** What the Temporal UI shows of a sweep. */
export interface SweepView {
  /** Markdown. */
  readonly details: string;
  readonly row: SweepRow;
}

export interface SweepStep {
  readonly action: 'run' | 'finish' | 'ended';
  readonly start: readonly TrialToStart[];
  /** Trials by phase. */
  readonly counts: Readonly<Record<string, number>>;
  readonly phase: SweepPhase;
  /** Absent: what was shown last is new enough. */
  readonly view?: SweepView;
  /** Workflows of trials that do something else than what the store says: they are to decide again. */
  readonly unresponsive_trials: readonly string[];
  /** Decide again at once: there is more to do than one decision takes. */
  readonly more: boolean;
  /** When to decide again at the latest, in milliseconds. */
  readonly wake_ms: number;
  /** What it waits for. */
  readonly waits_for: string;
}

interface SweepEditInput {
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

export interface DecideSweepInput {
  readonly sweep_id: string;
  /** Of the calling workflow. */
  readonly chain: number;
  /** The run of it that calls. */
  readonly sweep_run_id: string;
  /** Trials that it has started since its last decision. */
  readonly started: readonly TrialStarted[];
  /** Trials whose start is under way: they have their place, and are not to be started again. */
  readonly starting: readonly TrialStarted[];
}

/** `settled`: nothing is left to do, as the workflow believes. */
export type SweepEnding = { readonly kind: 'settled' } | Ending;

export interface SweepEnd {
  /** Open: it has something to do again. */
  readonly phase: SweepPhase;
  /** Absent: it could not be made. */
  readonly view?: SweepView | undefined;
}

/** On the orchestrator's queue: a sweep's decisions, and what is stored about them. */
export interface SweepActivities {
  decideSweep(input: DecideSweepInput): Promise<SweepStep>;
  markTrialsStarted(input: { started: readonly TrialStarted[] }): Promise<void>;
  /** Lets the workflows of trials decide again. */
  signalTrials(input: { workflow_ids: readonly string[] }): Promise<void>;
  editSweep(input: SweepEditInput): Promise<void>;
  /** An ended sweep stays as it ended. */
  endSweep(input: { sweep_id: string; ending: SweepEnding }): Promise<SweepEnd>;
  /** Cancels the open trials of a sweep that has ended. */
  cancelTrials(input: {
    sweep_id: string;
    by: string;
  }): Promise<{ is_settled: boolean; view?: SweepView | undefined }>;
}

/** What the Temporal UI says of each. */
export const sweepActivitySummaries = {
  decideSweep: 'which trials start, go on or end',
  markTrialsStarted: 'trials have started',
  signalTrials: 'trials are to decide again',
  editSweep: 'a person edits the sweep',
  endSweep: 'the sweep ends',
  cancelTrials: 'open trials are cancelled',
} as const satisfies Record<keyof SweepActivities, string>;
