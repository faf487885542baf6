import type { RunAction } from '@murnau/contracts';
import { isEnded } from '@murnau/domain';
import type { RunPhase, RunWish, SweepPhase } from '@murnau/domain';

export interface RunState {
  readonly phase: RunPhase;
  /** Newest step that a stored checkpoint certifies; 0: none. */
  readonly certified_step: number;
  /** Up to where it may train now. */
  readonly target_step: number;
  readonly max_steps: number;
  readonly wish: RunWish | null;
  readonly wish_by: string | null;
  /** Whether the worker found at the certified step that its loss had come to rest, and that is to end it. */
  readonly is_plateau?: boolean;
  /** Null: not a trial. */
  readonly sweep_phase: SweepPhase | null;
}

/** What a run does next, from certified facts alone. */
export function decideNext(state: RunState): RunAction {
  const { phase, certified_step, max_steps, wish, sweep_phase } = state;
  const by = state.wish_by ?? 'somebody';
  if (isEnded(phase)) return { kind: 'ended', phase };
  if (sweep_phase === 'cancelled' || sweep_phase === 'failed') return { kind: 'cancel', by: 'its sweep' };
  if (wish === 'drop') return { kind: 'cancel', by };
  if (certified_step >= max_steps) return { kind: 'finish' };
  if (wish === 'stop')
    return certified_step > 0 ? { kind: 'finish', early_stop: 'stopped' } : { kind: 'cancel', by };
  if (state.is_plateau === true) return { kind: 'finish', early_stop: 'plateau' };
  if (certified_step >= state.target_step) return { kind: 'wait' };
  if (wish === 'pause') return { kind: 'pause', by };
  if (sweep_phase === 'paused') return { kind: 'pause', by: 'its sweep' };
  const until_step = Math.min(state.target_step, max_steps);
  return { kind: 'train', from_step: certified_step, until_step };
}
