import type { SweepPhase } from '@murnau/domain';

/** Trials by what may be done with them. */
export interface TrialCounts {
  readonly to_start: number;
  /** With a workflow that is to train: they fill the window. */
  readonly open: number;
  /** Paused by a person: they leave their place to others. */
  readonly held: number;
  readonly waiting: number;
  readonly finished: number;
  readonly failed: number;
  readonly cancelled: number;
}

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
  if (phase !== 'running' && phase !== 'paused') return { action: 'ended', starts: 0 };
  if (hasSettled(counts)) return { action: 'finish', starts: 0 };
  if (phase === 'paused' || stop_reason !== null) return { action: 'run', starts: 0 };
  const free = Math.max(0, max_concurrent_trials - counts.open);
  return { action: 'run', starts: Math.min(free, counts.to_start, maxStartsPerDecision) };
}

export const hasSettled = ({ to_start, open, held, waiting }: TrialCounts): boolean =>
  to_start + open + held + waiting === 0;

/** How a sweep ends by itself: it failed only if nothing came of it. Undefined: it goes on. */
export function settledPhase(counts: TrialCounts): Exclude<SweepPhase, 'running' | 'paused'> | undefined {
  if (!hasSettled(counts)) return undefined;
  if (counts.finished > 0) return 'finished';
  return counts.failed > 0 ? 'failed' : 'cancelled';
}
