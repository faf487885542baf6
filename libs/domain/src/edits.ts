import { z } from 'zod';
import { pairSchema } from './sweep-file.js';
import { mostSteps } from './training-spec.js';

/** What people ask of runs and sweeps that live. Each is put down with who, when and why. */

const trialNumber = z.int().min(0).max(1_000_000);
export const trialNumbersSchema = z.array(trialNumber).min(1).max(10_000);

/** Reason that a person gives, for those who wonder later. */
export const whySchema = z.string().max(500).default('');

export const sweepEditSchema = z.discriminatedUnion('kind', [
  /** Running trials checkpoint and free their slots; nothing is started. */
  z.strictObject({ kind: z.literal('pause') }),
  z.strictObject({ kind: z.literal('resume') }),
  /** Running trials end by themselves; nothing more is started. */
  z.strictObject({ kind: z.literal('stop') }),
  /** More trials of a search, or more steps for those that have finished. */
  z
    .strictObject({
      kind: z.literal('extend'),
      trials: z.int().min(1).max(10_000).optional(),
      steps: z.int().min(1).max(mostSteps).optional(),
    })
    .refine(({ trials, steps }) => (trials === undefined) !== (steps === undefined), {
      error: 'must have either trials or steps',
    }),
  z.strictObject({ kind: z.literal('add_pair'), pair: pairSchema }),
  z.strictObject({
    kind: z.literal('set_concurrency'),
    max_concurrent_trials: z.int().min(1).max(1_000),
  }),
  /** Ends one trial without a result. */
  z.strictObject({ kind: z.literal('drop_trial'), trial: trialNumber }),
  /** Ends many; those that have ended stay as they are. */
  z.strictObject({ kind: z.literal('drop_trials'), trials: trialNumbersSchema }),
  /** Failed trials begin again from their newest checkpoints. */
  z.strictObject({ kind: z.literal('retry_failed') }),
  /** At a gate: the trials that go on. */
  z.strictObject({
    kind: z.literal('pick_winners'),
    trials: z.array(trialNumber).min(1).max(1_000),
  }),
]);
export type SweepEdit = z.output<typeof sweepEditSchema>;
