import type { SweepEdit } from './edits.js';

/** The names of what people ask of runs and sweeps that live. Loads no schema: workflows read it. */

export const runEditKinds = ['pause', 'resume', 'stop'] as const;
export type RunEditKind = (typeof runEditKinds)[number];

export type SweepEditKind = SweepEdit['kind'];
export const sweepEditKinds = [
  'pause',
  'resume',
  'stop',
  'extend',
  'add_pair',
  'set_concurrency',
  'drop_trial',
  'retry_failed',
  'pick_winners',
] as const satisfies readonly SweepEditKind[];

/** Who asked, and why. */
export interface Asked {
  readonly by: string;
  readonly why: string;
}
