import type { SweepEdit } from './edits.js';

/** The names of what people ask of runs and sweeps that live. Loads no schema: workflows read it. */

export const runEditKinds = ['pause', 'resume', 'stop'] as const;
export type RunEditKind = (typeof runEditKinds)[number];

export type SweepEditKind = SweepEdit['kind'];
const sweepEdits: Readonly<Record<SweepEditKind, true>> = {
  pause: true,
  resume: true,
  stop: true,
  extend: true,
  add_pair: true,
  set_concurrency: true,
  drop_trial: true,
  drop_trials: true,
  retry_failed: true,
  pick_winners: true,
};
export const sweepEditKinds = Object.keys(sweepEdits) as readonly SweepEditKind[];

/** Who asked, and why. */
export interface Asked {
  readonly by: string;
  readonly why: string;
}
