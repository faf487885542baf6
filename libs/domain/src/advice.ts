/** What the advisor is asked and what it answers: a search space, the trials so far, the next ones. */

/** A pair of words, chosen together. */
export interface PairWords {
  readonly placeholder: string;
  readonly initializer: string;
}

export type AdviceValue = string | number | boolean | PairWords;

/** Values by the names of the parameters that take part. */
export type AdviceValues = Readonly<Record<string, AdviceValue>>;

/** What a parameter may be. Bounds are included; with `log` the logarithm is uniform. */
export type AdviceDomain =
  | { readonly kind: 'float'; readonly min: number; readonly max: number; readonly log: boolean }
  | { readonly kind: 'int'; readonly min: number; readonly max: number; readonly log: boolean }
  | { readonly kind: 'choice'; readonly values: readonly AdviceValue[] };

/** Holds where the choice `parameter` takes part and has one of the values. */
export interface AdviceCondition {
  readonly parameter: string;
  readonly values: readonly AdviceValue[];
}

export interface AdviceParameter {
  readonly name: string;
  readonly domain: AdviceDomain;
  /** The parameter takes part where all of these hold. */
  readonly when: readonly AdviceCondition[];
}

/** A suggestion that a rule across fields forbids: it became no trial. */
export interface ForbiddenPoint {
  /** Number of the trial that it was suggested for; the same trial may have several. */
  readonly trial: number;
  readonly values: AdviceValues;
}

/** A trial that was planned before. */
export interface PastTrial {
  /** From 0. */
  readonly trial: number;
  readonly values: AdviceValues;
  /** A running one is kept clear of, a failed one is ignored, a pruned one counts by how far it came. */
  readonly state: 'running' | 'finished' | 'pruned' | 'failed';
  /** Its metric where it finished, else null. */
  readonly value: number | null;
  /** Its metric on the way. */
  readonly intermediate: readonly { readonly step: number; readonly value: number }[];
}
