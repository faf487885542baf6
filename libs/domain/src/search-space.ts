import { MurnauError } from './errors.js';
import { initializerFields, initializersOf } from './families/values.js';
import { parse } from './parse.js';
import { presetValues } from './presets.js';
import { choicesOf, conditionsOf, entriesOf, inOrderOfConditions } from './sweep-checks.js';
import { maxTrials } from './sweep-file.js';
import type { Pair, SweepFile } from './sweep-file.js';
import type { HyperparameterName, Parameter, Scalar } from './sweep-parameters.js';
import { trainingSpecSchema } from './training-spec.js';
import type { TrainingSpec } from './training-spec.js';
import { uniform } from './uniform.js';

export type ParameterValue = Scalar;

/** One point of a search space, ready to run. */
export interface PlannedTrial {
  /** From 0. */
  readonly trial: number;
  /** What differs between trials: the pair's words and each searched parameter that takes part. */
  readonly parameters: Readonly<Record<string, ParameterValue>>;
  /** Dataset as the sweep file names it. */
  readonly dataset: string;
  readonly spec: TrainingSpec;
}

export type Values = Readonly<Record<string, ParameterValue>>;
type Entry = readonly [HyperparameterName, Parameter];

/** The hyper-parameters of a file, in the order given. */
export function searchedEntries({ parameters: { pair: _, ...others } }: SweepFile): Entry[] {
  return entriesOf(others);
}

/** What each hyper-parameter of a file may be, by name; of a range no values are listed. */
export const searchedValues = (file: SweepFile): Record<string, readonly ParameterValue[]> =>
  Object.fromEntries(
    searchedEntries(file).map(([name, parameter]) => [name, choicesOf(parameter) ?? []] as const),
  );

/** Whether a parameter's conditions hold, given the values of those it depends on. */
export const takesPart = (parameter: Parameter, values: Values): boolean =>
  conditionsOf(parameter).every(([name, allowed]) => {
    const value = values[name];
    return value !== undefined && allowed.includes(value);
  });

function draw(parameter: Parameter, unit: number): ParameterValue {
  const choices = choicesOf(parameter);
  if (choices !== undefined) {
    const value = choices[Math.floor(unit * choices.length)];
    if (value === undefined) throw new RangeError('drew past the list of values');
    return value;
  }
  const { distribution, min, max } = parameter as Extract<Parameter, { min: number }>;
  const within = (value: number): number => Math.min(max, Math.max(min, value));
  switch (distribution) {
    case 'uniform':
      return within(min + unit * (max - min));
    case 'int_uniform':
      return within(Math.floor(min + unit * (max - min + 1)));
    case 'log_uniform':
      return within(logarithmic(min, max, unit));
    case 'log_int_uniform':
      // Half a step beyond both ends: the outermost numbers get their whole share.
      return within(Math.round(logarithmic(min - 0.5, max + 0.5, unit)));
  }
}

const logarithmic = (min: number, max: number, unit: number): number =>
  Math.exp(Math.log(min) + unit * (Math.log(max) - Math.log(min)));

/**
 * A trial with these values; what takes no part has the preset's value, else the training spec's default.
 * @throws MurnauError `spec.invalid` where the values do not make a valid training spec together
 */
export function planTrial(file: SweepFile, trial: number, pair: Pair, values: Values): PlannedTrial {
  const isFixed = (name: string): boolean => {
    const parameter = file.parameters[name as HyperparameterName];
    return parameter !== undefined && 'value' in parameter;
  };
  const searched = Object.fromEntries(Object.entries(values).filter(([name]) => !isFixed(name)));
  const spec = parse(
    trainingSpecSchema,
    {
      ...presetValues(file.preset, file.family),
      ...values,
      model: file.model,
      placeholder_token: pair.placeholder,
      initializer_token: pair.initializer,
      ...initializerFields(initializersOf(pair)),
      initializer_embedding: pair.initializer_embedding,
      stop_when: file.stop_when,
      checkpoint: file.checkpoint,
      eval: file.eval,
      samples: file.samples,
      max_restarts: file.max_restarts,
      segment_max_s: file.segment_max_s,
    },
    `trial ${trial}`,
  );
  return {
    trial,
    parameters: { placeholder: pair.placeholder, initializer: pair.initializer, ...searched },
    dataset: pair.dataset ?? file.dataset,
    spec,
  };
}

/** Outermost first, so that the first parameter of the file changes fastest; none before those it depends on. */
const gridOrder = (file: SweepFile): Entry[] =>
  inOrderOfConditions([...searchedEntries(file)].reverse()).ordered;

function refuseRanges(file: SweepFile): void {
  for (const [name, parameter] of searchedEntries(file)) {
    if (!('distribution' in parameter)) continue;
    throw new MurnauError(
      'spec.invalid',
      `sweep file: parameters.${name}: a grid needs values, not a distribution`,
      {
        field: `parameters.${name}`,
        given: parameter.distribution,
        allowed: '{values: […]}, or method: random',
      },
    );
  }
}

function* combinations(order: readonly Entry[], values: Values = {}): Generator<Values> {
  const [first, ...rest] = order;
  if (first === undefined) {
    yield values;
    return;
  }
  const [name, parameter] = first;
  if (!takesPart(parameter, values)) {
    yield* combinations(rest, values);
    return;
  }
  for (const value of choicesOf(parameter) ?? []) yield* combinations(rest, { ...values, [name]: value });
}

/** Combinations of deciding parameters that are walked through to count a grid's points. */
const countedCombinations = 100_000;

/**
 * Number of points of a grid, without making them: of each combination of the parameters that others depend on, the
 * product of those that take part. Of more than 100,000 such combinations only those are counted.
 */
export function gridSize(file: SweepFile): number {
  refuseRanges(file);
  const order = gridOrder(file);
  const deciding = new Set(order.flatMap(([, parameter]) => conditionsOf(parameter).map(([name]) => name)));
  const [parents, leaves] = [true, false].map((isParent) =>
    order.filter(([name]) => deciding.has(name) === isParent),
  ) as [Entry[], Entry[]];
  let points = 0;
  let counted = 0;
  for (const values of combinations(parents)) {
    points += leaves.reduce(
      (product, [, parameter]) =>
        takesPart(parameter, values) ? product * (choicesOf(parameter) ?? []).length : product,
      1,
    );
    counted += 1;
    if (counted === countedCombinations) break;
  }
  return points * file.parameters.pair.values.length;
}

function* grid(file: SweepFile): Generator<PlannedTrial> {
  const points = gridSize(file);
  if (file.run_cap === undefined && points > maxTrials) {
    const count = Number(points.toPrecision(6)).toLocaleString('en-US');
    throw new MurnauError(
      'spec.invalid',
      `sweep file: parameters: the grid has ${count} points, more than the ${maxTrials.toLocaleString('en-US')} trials ` +
        'that a sweep may have: give run_cap to take the first ones, or method: random with run_cap to draw from all',
      { field: 'parameters', given: `${count} points`, allowed: `at most ${maxTrials}, or a run_cap` },
    );
  }
  const cap = file.run_cap ?? points;
  let trial = 0;
  for (const pair of file.parameters.pair.values) {
    for (const values of combinations(gridOrder(file))) {
      if (trial >= cap) return;
      yield planTrial(file, trial, pair, values);
      trial += 1;
    }
  }
}

/** A point that random search draws, from (seed, number, the parameter's place). */
function drawn(file: SweepFile, number: number): { pair: Pair | undefined; values: Values } {
  const entries = searchedEntries(file);
  const pairs = file.parameters.pair.values;
  const values: Record<string, ParameterValue> = {};
  for (const [name, parameter] of inOrderOfConditions(entries).ordered) {
    if (!takesPart(parameter, values)) continue;
    const place = entries.findIndex(([known]) => known === name);
    values[name] = draw(parameter, uniform(file.seed, number, place + 1));
  }
  return { pair: pairs[Math.floor(uniform(file.seed, number, 0) * pairs.length)], values };
}

/**
 * The trial that random search draws under this number.
 * @throws MurnauError `spec.invalid` where a rule across fields forbids the point
 */
export function drawTrial(file: SweepFile, number: number): PlannedTrial {
  const { pair, values } = drawn(file, number);
  if (pair === undefined) throw new RangeError('drew past the list of pairs');
  return planTrial(file, number, pair, values);
}

function* random(file: SweepFile): Generator<PlannedTrial> {
  for (let trial = 0; trial < (file.run_cap ?? 0); trial += 1) yield drawTrial(file, trial);
}

/**
 * Expands a sweep file into its trials. Pairs are zipped, never crossed with each other; everything else is crossed
 * (grid) or drawn (random) from (seed, trial, parameter), so trial n is the same however many trials there are.
 * Those of tpe are suggested one after the other and are none here.
 * A parameter whose conditions do not hold takes no part: the grid does not repeat itself over its values.
 * @throws MurnauError `spec.invalid` where a grid has a range or too many points, or values make no valid spec
 */
export function expandTrials(file: SweepFile): PlannedTrial[] {
  if (file.method === 'tpe') return [];
  return [...(file.method === 'grid' ? grid(file) : random(file))];
}
