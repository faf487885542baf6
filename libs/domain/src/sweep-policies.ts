import { z } from 'zod';
import { durationSchema } from './duration.js';
import { mostSteps, seedSchema, stopWhenSchema } from './training-spec.js';

/**
 * Policies of a sweep that its workflow follows, as keys of the sweep file.
 */

/** Asynchronous successive halving: at each rung the best 1/eta of those known go on. */
const halvingSchema = z.strictObject({
  type: z.literal('asha'),
  /** Steps of the first rung. */
  min_steps: z.int().min(1).max(mostSteps),
  /** Each rung has eta times the steps of the one before, and 1/eta of its trials. */
  eta: z.int().min(2).max(16).default(2),
});

export const sweepPolicies = {
  early_terminate: z
    .discriminatedUnion('type', [halvingSchema, z.strictObject({ type: z.literal('none') })], {
      error: 'must be {type: asha, min_steps, eta} or {type: none}',
    })
    .default({ type: 'none' }),
  /** Ends a trial whose loss has come to rest (the DVAR rule). */
  stop_when: stopWhenSchema.prefault({}),
  /** The sweep starts no further trial once one of these is used up. */
  budget: z
    .strictObject({
      trials: z.int().min(1).max(10_000).optional(),
      wall_time: durationSchema.optional(),
      /** Hours of devices, added up. */
      gpu_hours: z.number().positive().max(1_000_000).optional(),
    })
    .refine((budget) => Object.values(budget).some((limit) => limit !== undefined), {
      error: 'must have at least one of trials, wall_time, gpu_hours',
    })
    .optional(),
  /** The best trials are run again, once with each seed. */
  finalists: z
    .strictObject({
      count: z.int().min(1).max(100),
      seeds: z
        .array(seedSchema)
        .min(1)
        .max(100)
        .refine((seeds) => new Set(seeds).size === seeds.length, { error: 'must not name a seed twice' }),
    })
    .optional(),
  /** A person picks who goes on after a rung; the timer picks where nobody does. Holds no device meanwhile. */
  gate: z.strictObject({ after_rung: z.int().min(1).max(20), wait: durationSchema }).optional(),
  /** 1 goes first, 5 last. */
  priority: z.int().min(1).max(5).default(3),
} as const;

const policiesSchema = z.strictObject(sweepPolicies);
export type SweepPolicies = z.output<typeof policiesSchema>;
export type Halving = z.output<typeof halvingSchema>;

/** Steps at which a trial is judged and at which it ends: 150, 300, 600. The last is `maxSteps`. */
export function rungsOf({ min_steps, eta }: Pick<Halving, 'min_steps' | 'eta'>, maxSteps: number): number[] {
  const rungs: number[] = [];
  for (let steps = min_steps; steps < maxSteps; steps *= eta) rungs.push(steps);
  return [...rungs, maxSteps];
}

export interface PolicyProblem {
  readonly path: readonly string[];
  readonly message: string;
}

/**
 * What policies cannot mean together.
 * @param sweep what the rest of the file says: steps of its longest trial, and how many trials
 */
export function policyProblems(
  policies: SweepPolicies,
  sweep: { readonly maxSteps: number; readonly trials: number },
): PolicyProblem[] {
  const { early_terminate: halving, gate, finalists } = policies;
  const problems: PolicyProblem[] = [];
  if (halving.type === 'asha' && halving.min_steps >= sweep.maxSteps) {
    const message = `must be below the trials' steps, which are ${sweep.maxSteps}`;
    problems.push({ path: ['early_terminate', 'min_steps'], message });
  }
  if (gate !== undefined && halving.type !== 'asha') {
    problems.push({ path: ['gate'], message: 'needs rungs: give early_terminate: {type: asha, …}' });
  }
  if (gate !== undefined && halving.type === 'asha') {
    const last = rungsOf(halving, sweep.maxSteps).length - 1;
    const message = `must be at most ${last}: the rung after that is the last`;
    if (gate.after_rung > last) problems.push({ path: ['gate', 'after_rung'], message });
  }
  if (finalists !== undefined && finalists.count > sweep.trials) {
    const message = `must be at most the number of trials, ${sweep.trials}`;
    problems.push({ path: ['finalists', 'count'], message });
  }
  return problems;
}
