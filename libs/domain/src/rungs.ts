import type { SweepPolicies } from './sweep-policies.js';
import { rungsOf } from './sweep-policies.js';

/** Up to where a trial may train that has passed so many rungs; null: to its last step. */
export function targetAfter(
  policy: SweepPolicies['early_terminate'],
  rungs: number,
  maxSteps: number,
): number | null {
  if (policy.type === 'none') return null;
  const target = rungsOf(policy, maxSteps)[rungs];
  return target === undefined || target >= maxSteps ? null : target;
}
