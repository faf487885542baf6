import { hasSettled, isEnded } from '@murnau/domain';
import type { SweepPhase, TrialCounts } from '@murnau/domain';

export interface SweepState {
  readonly phase: SweepPhase;
  readonly counts: TrialCounts;
  /** Why nothing more is started; null: trials are started. */
  readonly stop_reason: string | null;
  readonly max_concurrent_trials: number;
}

export interface SweepDecision {
  readonly action: 'run' | 'finish' | 'ended';
  /** How many trials to start now, in their order. */
  readonly starts: number;
}

/** Keeps one decision's payload small; the next follows at once. */
export const maxStartsPerDecision = 50;

/** A sliding window over the trials in their order: as many run as may, and the next starts when one ends. */
export function decideSweep({
  phase,
  counts,
  stop_reason,
  max_concurrent_trials,
}: SweepState): SweepDecision {
  if (isEnded(phase)) return { action: 'ended', starts: 0 };
  if (hasSettled(counts)) return { action: 'finish', starts: 0 };
  if (phase === 'paused' || stop_reason !== null) return { action: 'run', starts: 0 };
  const free = Math.max(0, max_concurrent_trials - counts.open);
  return { action: 'run', starts: Math.min(free, counts.to_start, maxStartsPerDecision) };
}
