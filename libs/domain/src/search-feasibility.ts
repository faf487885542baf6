import { MurnauError } from './errors.js';
import { drawTrial, expandTrials } from './search-space.js';
import type { PlannedTrial } from './search-space.js';
import type { SweepFile } from './sweep-file.js';

/** Points of a search's space that rules across fields forbid, such as one on the product of two parameters. */

/** Points that are drawn to tell what share of a space is forbidden. */
export const feasibilityDraws = 1_000;

export interface Feasibility {
  readonly permitted: readonly PlannedTrial[];
  /** Number of draws that a rule forbids. */
  readonly forbidden: number;
  /** What the first of them broke. */
  readonly rule: string | undefined;
}

/** The rule that a planned trial broke, without the trial's number. */
export const ruleOf = ({ message }: MurnauError): string => message.replace(/^trial \d+: /, '');

export function feasibilityOf(file: SweepFile): Feasibility {
  const permitted: PlannedTrial[] = [];
  let rule: string | undefined;
  for (let number = 0; number < feasibilityDraws; number += 1) {
    try {
      permitted.push(drawTrial(file, number));
    } catch (error) {
      if (!(error instanceof MurnauError) || error.code !== 'spec.invalid') throw error;
      rule ??= ruleOf(error);
    }
  }
  return { permitted, forbidden: feasibilityDraws - permitted.length, rule };
}

const shareText = (forbidden: number): string =>
  `${Number(((100 * forbidden) / feasibilityDraws).toPrecision(3))} %`;

/**
 * What a person is to know of a search's space before it starts. A grid and a random search are checked point by point
 * when they are expanded.
 * @throws MurnauError `spec.invalid` where no point is permitted
 */
export function spaceNotices(file: SweepFile): string[] {
  if (file.method !== 'tpe') return [];
  const { permitted, forbidden, rule } = feasibilityOf(file);
  if (forbidden === 0 || rule === undefined) return [];
  const draws = feasibilityDraws.toLocaleString('en-US');
  if (permitted.length === 0) {
    throw new MurnauError(
      'spec.invalid',
      `sweep file: parameters: the space has no permitted point: 100 % of ${draws} draws are forbidden: ${rule}`,
      {
        field: 'parameters',
        given: `0 permitted of ${draws} draws`,
        allowed: 'a space with permitted points',
      },
    );
  }
  return [
    `${shareText(forbidden)} of ${draws} draws from the space are forbidden: ${rule}. The search passes over such points.`,
  ];
}

/** What a person is shown before the start: the trials, no more than the budget has; of tpe, draws as it may make. */
export function previewTrials(file: SweepFile): PlannedTrial[] {
  const { run_cap = 0, budget } = file;
  if (file.method !== 'tpe') return expandTrials(file).slice(0, budget?.trials);
  const trials: PlannedTrial[] = [];
  const wanted = Math.min(run_cap, budget?.trials ?? run_cap);
  for (let number = 0; trials.length < wanted && number < wanted + feasibilityDraws; number += 1) {
    try {
      trials.push({ ...drawTrial(file, number), trial: trials.length });
    } catch (error) {
      if (!(error instanceof MurnauError) || error.code !== 'spec.invalid') throw error;
    }
  }
  return trials;
}
