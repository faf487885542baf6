import type { RunPhase, SweepPhase } from '@murnau/domain';

export interface TrialState {
  readonly run_id: string;
  readonly trial: number;
  readonly phase: RunPhase;
  /** Whether its workflow was started and is not known to be lost. */
  readonly is_started: boolean;
}

export interface SweepState {
  readonly phase: SweepPhase;
  readonly trials: readonly TrialState[];
  readonly max_concurrent_trials: number;
}

export interface SweepDecision {
  readonly action: 'run' | 'finish' | 'ended';
  /** Trials to start now, in their order. */
  readonly start: readonly string[];
}

/** Keeps one decision's payload small; the next follows at once. */
export const maxStartsPerDecision = 50;

export const hasEnded = (phase: RunPhase): boolean =>
  phase === 'finished' || phase === 'failed' || phase === 'cancelled';

/** A sliding window over the trials in their order: as many run as may, and the next starts when one ends. */
export function decideSweep({ phase, trials, max_concurrent_trials }: SweepState): SweepDecision {
  if (phase !== 'running') return { action: 'ended', start: [] };
  const open = trials.filter((trial) => !hasEnded(trial.phase));
  if (open.length === 0) return { action: 'finish', start: [] };
  const running = open.filter((trial) => trial.is_started).length;
  const free = Math.min(Math.max(0, max_concurrent_trials - running), maxStartsPerDecision);
  const start = open
    .filter((trial) => !trial.is_started)
    .sort((a, b) => a.trial - b.trial)
    .slice(0, free)
    .map((trial) => trial.run_id);
  return { action: 'run', start };
}

/** How a sweep ends by itself: it failed only if nothing came of it. */
export function settledPhase(trials: readonly TrialState[]): Exclude<SweepPhase, 'running'> {
  if (trials.some(({ phase }) => phase === 'finished')) return 'finished';
  return trials.some(({ phase }) => phase === 'failed') ? 'failed' : 'cancelled';
}
