import type { RunPhase, SweepPhase } from '@murnau/domain';
import type { RunAction } from '../activity-types.js';

export interface RunState {
  readonly phase: RunPhase;
  /** Newest step that a stored checkpoint certifies; 0: none. */
  readonly certified_step: number;
  readonly max_steps: number;
  /** Null: not a trial. */
  readonly sweep_phase: SweepPhase | null;
}

/** What a run does next, from certified facts alone. */
export function decideNext({ phase, certified_step, max_steps, sweep_phase }: RunState): RunAction {
  if (phase === 'finished' || phase === 'failed' || phase === 'cancelled') return { kind: 'ended', phase };
  if (sweep_phase === 'cancelled' || sweep_phase === 'failed') return { kind: 'cancel', by: 'its sweep' };
  if (certified_step >= max_steps) return { kind: 'finish' };
  return { kind: 'train', from_step: certified_step, until_step: max_steps };
}
