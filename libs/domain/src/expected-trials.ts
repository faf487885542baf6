import { isOpen } from './lifecycle.js';
import type { Sweep } from './resources/sweep.js';
import type { SweepFile } from './sweep-file.js';

/** How many trials a search plans at most. */
export const searchCap = ({ run_cap = 0, budget }: SweepFile): number =>
  Math.min(run_cap, budget?.trials ?? Infinity);

/** Trials that a sweep has, together with those that it is still to suggest. */
export function expectedTrials({ trials, phase, stop_reason, spec }: Sweep): number {
  const isSearching = spec.method === 'tpe' && isOpen(phase) && stop_reason === null;
  return isSearching ? Math.max(trials, searchCap(spec)) : trials;
}
