export interface Evaluation {
  readonly step: number;
  readonly eval_loss: number;
}

const windowSteps = 200;
const leastEvaluations = 8;
const largestShare = 0.15;

function variance(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
}

/**
 * Whether a run's loss has stopped moving (DVAR, arXiv 2302.04841): the variance of the
 * evaluations of the last 200 steps is below 0.15 of that of all, there are 8 in the window at least, and something was
 * learnt.
 * @param evaluations certified ones, in the order of steps; the loss is over fixed draws, so its noise is none
 * @param gain newest `eval_gain`; a run that has learnt nothing is not done
 */
export function isPlateau(evaluations: readonly Evaluation[], gain: number | undefined): boolean {
  const newest = evaluations.at(-1);
  if (newest === undefined || gain === undefined || gain <= 0) return false;
  const window = evaluations.filter(({ step }) => step > newest.step - windowSteps);
  // Without an evaluation before the window there is nothing to compare it with.
  if (window.length < leastEvaluations || window.length === evaluations.length) return false;
  const all = variance(evaluations.map(({ eval_loss }) => eval_loss));
  return variance(window.map(({ eval_loss }) => eval_loss)) < largestShare * all;
}
