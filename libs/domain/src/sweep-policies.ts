import { z } from 'zod';
import { seedSchema } from './training-spec.js';

/** Keys of a sweep file that say when trials stop, what a sweep may cost and what follows the search. */

const secondsOf = { s: 1, m: 60, h: 3_600, d: 86_400 } as const;

/** `90s`, `30m`, `48h` or `7d`, in seconds. */
export function durationSeconds(text: string): number {
  const [, amount = '0', unit = 's'] = /^([0-9]+)([smhd])$/.exec(text) ?? [];
  return Number(amount) * secondsOf[unit as keyof typeof secondsOf];
}

const durationSchema = z
  .string()
  .regex(/^[1-9][0-9]{0,6}[smhd]$/, 'must be a time such as 90s, 30m, 48h or 7d');

const earlyTerminateSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('none') }),
  z.strictObject({
    /** Asynchronous successive halving. */
    type: z.literal('asha'),
    /** Steps of the first rung; each further one is `eta` times as far. */
    min_steps: z.int().min(1).max(1_000_000),
    /** One in so many goes on from a rung. */
    eta: z.int().min(2, 'must be 2 or more: one in eta trials goes on from a rung').max(100).default(2),
  }),
]);
export type EarlyTerminate = z.output<typeof earlyTerminateSchema>;

const hoursSchema = z.number().positive('must be above 0').max(1_000_000);

const budgetSchema = z.strictObject({
  /** Most trials, finalists not counted. */
  trials: z.int().min(1).max(10_000).optional(),
  /** Time from the sweep's creation, in hours. */
  wall_hours: hoursSchema.optional(),
  /** Device time of all trials, in hours; runs that share a device share its time. */
  gpu_hours: hoursSchema.optional(),
});
export type Budget = z.output<typeof budgetSchema>;

const finalistsSchema = z.strictObject({
  /** The best so many trials are trained again, */
  count: z.int().min(1).max(100),
  /** on each of these seeds, and ranked by the mean. */
  seeds: z
    .array(seedSchema)
    .min(1)
    .max(32)
    .refine((seeds) => new Set(seeds).size === seeds.length, 'must differ from each other'),
});

const gateSchema = z.strictObject({
  /** The rung, from 1, whose winners a person picks. */
  after_rung: z.int().min(1).max(30),
  /** After this time the best are picked without one; absent: it waits for ever. */
  wait: durationSchema.optional(),
});

/** For `sweepFileSchema`. */
export const policyFields = {
  early_terminate: earlyTerminateSchema.default({ type: 'none' }),
  /** `plateau`: a trial finishes when its eval_loss has stopped moving. */
  stop_when: z.strictObject({ plateau: z.boolean().default(false) }).prefault({}),
  budget: budgetSchema.prefault({}),
  finalists: finalistsSchema.optional(),
  gate: gateSchema.optional(),
  /** 1 is served first, 5 last. */
  priority: z.int().min(1).max(5).default(3),
};

interface Policies {
  readonly early_terminate: EarlyTerminate;
  readonly gate?: z.output<typeof gateSchema> | undefined;
}

export interface PolicyProblem {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/**
 * What one key alone cannot say.
 * @param maxSteps the least `max_steps` that a trial may have; undefined: not known from the file
 */
export function policyProblems(
  { early_terminate, gate }: Policies,
  maxSteps: number | undefined,
): PolicyProblem[] {
  if (early_terminate.type === 'none') {
    if (gate === undefined) return [];
    return [{ path: ['gate'], message: 'needs rungs: add early_terminate: {type: asha, …}' }];
  }
  const { min_steps } = early_terminate;
  if (maxSteps !== undefined && min_steps >= maxSteps) {
    const message = `must be below max_steps (${maxSteps}): no trial would come to a rung`;
    return [{ path: ['early_terminate', 'min_steps'], message }];
  }
  const highest = maxSteps === undefined ? undefined : rungCount(early_terminate, maxSteps);
  if (gate !== undefined && highest !== undefined && gate.after_rung > highest) {
    const message = `must be at most ${highest}: the rungs below max_steps are ${rungSteps(early_terminate, maxSteps ?? 0).join(', ')}`;
    return [{ path: ['gate', 'after_rung'], message }];
  }
  return [];
}

/** Steps of the rungs below a trial's last step. */
export function rungSteps(policy: EarlyTerminate, maxSteps: number): number[] {
  if (policy.type === 'none') return [];
  const steps: number[] = [];
  for (let step = policy.min_steps; step < maxSteps; step *= policy.eta) steps.push(step);
  return steps;
}

const rungCount = (policy: EarlyTerminate, maxSteps: number): number => rungSteps(policy, maxSteps).length;

/** Up to where a trial may train that has passed so many rungs; null: to its last step. */
export function targetAfter(policy: EarlyTerminate, rungs: number, maxSteps: number): number | null {
  return rungSteps(policy, maxSteps)[rungs] ?? null;
}
