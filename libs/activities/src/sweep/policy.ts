import { durationSeconds, hasSettled, isEnded } from '@murnau/domain';
import type { Gate, SweepFile, SweepPhase, SweepPolicies, TrialCounts } from '@murnau/domain';
import type { RungFacts } from '@murnau/store';
import type { Promoted } from './halving.js';
import { decidePromotions, timerPicks } from './halving.js';

export interface PolicyState {
  readonly phase: SweepPhase;
  readonly stage: 'search' | 'finalists';
  readonly stop_reason: string | null;
  readonly spec: Pick<SweepFile, 'budget' | 'early_terminate' | 'finalists' | 'gate' | 'ordered'>;
  readonly max_concurrent_trials: number;
  readonly counts: TrialCounts;
  /** Time since the sweep was stored. */
  readonly age_s: number;
  readonly device_s: number;
  readonly gate: Gate | null;
  /** Trials that are still to be suggested; 0 for a search that was planned at once. */
  readonly to_plan: number;
  /** Trials planned so far: the number of the next. */
  readonly planned: number;
  /** For `ordered`: whether all that the next suggestion is to see have ended. */
  readonly is_next_ready: boolean;
  /** Of successive halving; empty without it. */
  readonly rungs: readonly RungFacts[];
  readonly now: Date;
}

/** What a sweep does before it starts anything; each is written down, then decided again. */
export type PolicyAction =
  | { readonly kind: 'none' }
  | { readonly kind: 'stop'; readonly reason: string }
  | { readonly kind: 'promote'; readonly promotions: readonly Promoted[] }
  /** Finishes trials that will never be promoted. */
  | { readonly kind: 'end_idle'; readonly early_stop: 'rung' | 'stopped'; readonly why: string }
  | { readonly kind: 'suggest'; readonly trial: number; readonly count: number }
  | { readonly kind: 'open_gate'; readonly rung: number; readonly wait_s: number | null }
  | { readonly kind: 'pass_gate'; readonly trials: readonly number[]; readonly why: string }
  | { readonly kind: 'plan_finalists'; readonly count: number; readonly seeds: readonly number[] };

const none = { kind: 'none' } as const;

/** The budget that is used up; undefined: none. */
export function usedUp(
  { wall_time, gpu_hours }: NonNullable<SweepPolicies['budget']>,
  { age_s, device_s }: { readonly age_s: number; readonly device_s: number },
): string | undefined {
  if (wall_time !== undefined && age_s >= (durationSeconds(wall_time) ?? Infinity)) {
    return `budget: ${wall_time} have passed`;
  }
  if (gpu_hours !== undefined && device_s >= gpu_hours * 3_600) {
    return `budget: ${gpu_hours} h of device time are used`;
  }
  return undefined;
}

/** From certified facts alone. */
export function decidePolicy(state: PolicyState): PolicyAction {
  const { phase, stop_reason, spec, counts } = state;
  if (phase !== 'running') return none;
  const isOver = hasSettled(counts) && state.to_plan === 0;
  if (stop_reason === null) {
    const reason = isOver ? undefined : usedUp(spec.budget ?? {}, state);
    if (reason !== undefined) return { kind: 'stop', reason };
  } else if (counts.waiting + counts.to_start > 0) {
    return { kind: 'end_idle', early_stop: 'stopped', why: stop_reason };
  }
  if (isOver) return decideFinalists(state);
  if (stop_reason !== null) return none;
  if (spec.early_terminate.type === 'none') return decideSuggestion(state);
  const promotions = decidePromotions(state.rungs, {
    eta: spec.early_terminate.eta,
    free: state.max_concurrent_trials - counts.open - counts.resumed,
    // From a gate's rung only those go on who were picked.
    closed: (rung) => rung === spec.gate?.after_rung,
  });
  if (promotions.length > 0) return { kind: 'promote', promotions };
  const suggestion = decideSuggestion(state);
  if (suggestion.kind !== 'none') return suggestion;
  const isIdle = counts.open + counts.to_start + counts.held + state.to_plan === 0;
  return isIdle && counts.waiting > 0 ? decideEnd(state, spec.early_terminate.eta) : none;
}

/** Most trials that are asked for at once. */
const mostSuggestions = 50;

/** As many as have a place now: each later one learns from what ended before. */
function decideSuggestion(state: PolicyState): PolicyAction {
  const { counts, to_plan, planned: trial, spec } = state;
  const free = state.max_concurrent_trials - counts.open - counts.to_start;
  const count = Math.min(free, to_plan, spec.ordered ? 1 : mostSuggestions);
  if (count <= 0 || (spec.ordered && !state.is_next_ready)) return none;
  return { kind: 'suggest', trial, count };
}

const isGated = ({ spec, gate }: PolicyState, rung: number): boolean =>
  spec.gate?.after_rung === rung && gate?.is_passed !== true;

/** Nothing comes any more: those that wait are the gate's, or finish. */
function decideEnd(state: PolicyState, eta: number): PolicyAction {
  const { gate, rungs, now, spec } = state;
  const gated = rungs.find(({ rung, contenders }) => isGated(state, rung) && contenders.length > 0);
  if (gated === undefined) {
    return { kind: 'end_idle', early_stop: 'rung', why: `not among the best 1 in ${eta} of its rung` };
  }
  if (gate === null) {
    const wait = spec.gate?.wait;
    return {
      kind: 'open_gate',
      rung: gated.rung,
      wait_s: wait === undefined ? null : (durationSeconds(wait) ?? null),
    };
  }
  if (gate.deadline === null || now < new Date(gate.deadline)) return none;
  return {
    kind: 'pass_gate',
    trials: timerPicks(gated, eta).map(({ trial }) => trial),
    why: 'nobody picked in time',
  };
}

function decideFinalists({ stage, stop_reason, spec, counts }: PolicyState): PolicyAction {
  const { finalists } = spec;
  const isDue = finalists !== undefined && stage === 'search' && stop_reason === null && counts.finished > 0;
  return isDue ? { kind: 'plan_finalists', ...finalists } : none;
}

interface StartDecision {
  readonly action: 'run' | 'finish' | 'ended';
  /** How many trials to start now, in their order. */
  readonly starts: number;
}

/** Keeps one decision's payload small; the next follows at once. */
export const maxStartsPerDecision = 50;

/** A sliding window over the trials in their order: as many run as may, and the next starts when one ends. */
export function decideStarts({
  phase,
  counts,
  stop_reason,
  max_concurrent_trials,
}: Pick<PolicyState, 'phase' | 'counts' | 'stop_reason' | 'max_concurrent_trials'>): StartDecision {
  if (isEnded(phase)) return { action: 'ended', starts: 0 };
  if (hasSettled(counts)) return { action: 'finish', starts: 0 };
  if (phase === 'paused' || stop_reason !== null) return { action: 'run', starts: 0 };
  const free = Math.max(0, max_concurrent_trials - counts.open);
  return { action: 'run', starts: Math.min(free, counts.to_start, maxStartsPerDecision) };
}
