import type { Pair, Parameter, SweepFile } from './sweep-file.js';
import { parameterSchema } from './sweep-file.js';
import { parse } from './parse.js';
import { trainingSpecSchema } from './training-spec.js';
import type { TrainingSpec } from './training-spec.js';
import { MurnauError } from './errors.js';

export type ParameterValue = string | number | boolean;

/** One point of a search space, ready to run. */
export interface PlannedTrial {
  /** From 0. */
  readonly trial: number;
  /** What differs between trials: the pair's words and each searched parameter. */
  readonly parameters: Readonly<Record<string, ParameterValue>>;
  /** Dataset as the sweep file names it. */
  readonly dataset: string;
  readonly spec: TrainingSpec;
}

/** splitmix64 of (seed, index): uniform in [0, 1), independent of the order of calls. */
function uniform(seed: number, ...indices: readonly number[]): number {
  const mask = (1n << 64n) - 1n;
  let state = BigInt(seed) & mask;
  let output = 0n;
  for (const index of [...indices, 0]) {
    state = (state + 0x9e3779b97f4a7c15n + BigInt(index) * 0xd1b54a32d192ed03n) & mask;
    let mixed = state;
    mixed = ((mixed ^ (mixed >> 30n)) * 0xbf58476d1ce4e5b9n) & mask;
    mixed = ((mixed ^ (mixed >> 27n)) * 0x94d049bb133111ebn) & mask;
    output = mixed ^ (mixed >> 31n);
    state = output;
  }
  return Number(output >> 11n) / 2 ** 53;
}

function draw(parameter: Parameter, unit: number): ParameterValue {
  if ('value' in parameter) return parameter.value;
  if ('values' in parameter) {
    const value = parameter.values[Math.floor(unit * parameter.values.length)];
    if (value === undefined) throw new RangeError('drew past the list of values');
    return value;
  }
  const { distribution, min, max } = parameter;
  if (distribution === 'int_uniform') return Math.floor(min + unit * (max - min + 1));
  if (distribution === 'uniform') return min + unit * (max - min);
  return Math.min(max, Math.max(min, Math.exp(Math.log(min) + unit * (Math.log(max) - Math.log(min)))));
}

interface Space {
  readonly pairs: readonly Pair[];
  readonly parameters: readonly (readonly [string, Parameter])[];
}

function spaceOf(file: SweepFile): Space {
  const { pair, ...others } = file.parameters;
  return {
    pairs: pair.values,
    parameters: Object.entries(others).map(
      ([name, parameter]) => [name, parse(parameterSchema, parameter, `parameters.${name}`)] as const,
    ),
  };
}

function planTrial(
  file: SweepFile,
  trial: number,
  pair: Pair,
  values: Record<string, ParameterValue>,
): PlannedTrial {
  const isFixed = (name: string): boolean => {
    const parameter = file.parameters[name];
    return typeof parameter === 'object' && parameter !== null && 'value' in parameter;
  };
  const searched = Object.fromEntries(Object.entries(values).filter(([name]) => !isFixed(name)));
  const spec = parse(
    trainingSpecSchema,
    {
      ...values,
      model: file.model,
      placeholder_token: pair.placeholder,
      initializer_token: pair.initializer,
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

function* grid(file: SweepFile): Generator<PlannedTrial> {
  const { pairs, parameters } = spaceOf(file);
  const axes = parameters.map(([name, parameter]) => {
    if ('distribution' in parameter) {
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
    return { name, values: 'value' in parameter ? [parameter.value] : parameter.values };
  });
  const combinations = axes.reduce((product, axis) => product * axis.values.length, 1);
  const total = Math.min(pairs.length * combinations, file.run_cap ?? Number.POSITIVE_INFINITY, 10_000);
  for (let trial = 0; trial < total; trial += 1) {
    let rest = trial % combinations;
    const values: Record<string, ParameterValue> = {};
    for (const axis of axes) {
      const value = axis.values[rest % axis.values.length];
      rest = Math.floor(rest / axis.values.length);
      if (value !== undefined) values[axis.name] = value;
    }
    const pair = pairs[Math.floor(trial / combinations)];
    if (pair !== undefined) yield planTrial(file, trial, pair, values);
  }
}

function* random(file: SweepFile): Generator<PlannedTrial> {
  const { pairs, parameters } = spaceOf(file);
  for (let trial = 0; trial < (file.run_cap ?? 0); trial += 1) {
    const values = Object.fromEntries(
      parameters.map(([name, parameter], index) => [
        name,
        draw(parameter, uniform(file.seed, trial, index + 1)),
      ]),
    );
    const pair = pairs[Math.floor(uniform(file.seed, trial, 0) * pairs.length)];
    if (pair !== undefined) yield planTrial(file, trial, pair, values);
  }
}

/**
 * Expands a sweep file into its trials. Pairs are zipped, never crossed with each other; everything else is crossed
 * (grid) or drawn (random) from (seed, trial, parameter), so trial n is the same however many trials there are.
 * @throws MurnauError `spec.invalid` when a trial's values do not make a valid training spec.
 */
export function expandTrials(file: SweepFile): PlannedTrial[] {
  return [...(file.method === 'grid' ? grid(file) : random(file))];
}
