import type { Asked, SweepEdit, SweepPhase } from '@murnau/domain';
import type { WorkflowCard } from '../workflow-card.js';

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

export interface DecideSweepInput {
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

/** On the orchestrator's queue: a sweep's decisions, and what is written down about them. */
export interface SweepActivities {
  /** @param chain of the asking workflow, and the run of it that asks */
  decideSweep(input: DecideSweepInput): Promise<SweepStep>;
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
}
