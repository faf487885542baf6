import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from './parse.js';
import { adviceParameters, adviceTrial, adviceValues } from './search-advice.js';
import { expandTrials, gridSize } from './search-space.js';
import type { PlannedTrial } from './search-space.js';
import { conditionsOf, entriesOf } from './sweep-checks.js';
import { sweepFileSchema } from './sweep-file.js';
import type { SweepFile, SweepFileInput } from './sweep-file.js';
import { trainingSpecSchema } from './training-spec.js';

/** Search spaces of every shape: what holds of each expansion of each of them. */

type SearchedParameters = Omit<SweepFileInput['parameters'], 'pair'>;

const pairsOf = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ placeholder: 'sapsan', initializer: `word${index}` }));

const fileOf = (over: Partial<SweepFileInput>): SweepFile =>
  parse(
    sweepFileSchema,
    { name: 'a', dataset: 'd', parameters: { pair: { values: pairsOf(1) } }, ...over },
    'file',
  );

const listOf = <Value>(value: fc.Arbitrary<Value>, maxLength = 3) =>
  fc.uniqueArray(value, { minLength: 1, maxLength });
const floatRange = (least: number, most: number, distribution: 'uniform' | 'log_uniform') =>
  fc
    .tuple(
      fc.double({ min: least, max: most, noNaN: true }),
      fc.double({ min: least, max: most, noNaN: true }),
    )
    .filter(([a, b]) => a !== b)
    .map(([a, b]) => ({ distribution, min: Math.min(a, b), max: Math.max(a, b) }));
const intRange = (least: number, most: number) =>
  fc
    .tuple(
      fc.integer({ min: least, max: most }),
      fc.integer({ min: least, max: most }),
      fc.constantFrom('int_uniform' as const, 'log_int_uniform' as const),
    )
    .filter(([a, b]) => a !== b)
    .map(([a, b, distribution]) => ({ distribution, min: Math.min(a, b), max: Math.max(a, b) }));
const values = <Value>(list: fc.Arbitrary<Value[]>) => list.map((items) => ({ values: items }));

/** Every kind of parameter, each there or not; `when` hangs a chain of two on `schedule`. */
const searched = (withRanges: boolean): fc.Arbitrary<SearchedParameters> => {
  const either = <Value, Range>(list: fc.Arbitrary<Value>, range: fc.Arbitrary<Range>) =>
    withRanges ? fc.oneof(list, range) : list;
  return fc
    .record(
      {
        schedule: values(listOf(fc.constantFrom('constant', 'cosine', 'linear'))),
        learning_rate_t1: either(
          values(listOf(fc.constantFrom(0.1, 0.2, 0.5))),
          floatRange(1e-4, 1, 'log_uniform'),
        ),
        flip_probability: either(values(listOf(fc.constantFrom(0, 0.5, 1))), floatRange(0, 1, 'uniform')),
        batch_size: either(values(listOf(fc.integer({ min: 1, max: 64 }))), intRange(1, 64)),
        schedule_steps: either(values(listOf(fc.integer({ min: 1, max: 400 }))), intRange(1, 400)),
        norm: values(listOf(fc.constantFrom('free', 'vocabulary'))),
        max_steps: fc.constant({ value: 60 }),
      },
      { requiredKeys: ['schedule', 'schedule_steps', 'norm'] },
    )
    .map(({ schedule_steps, norm, ...others }) => ({
      // Declared before what they hang on.
      schedule_steps: { ...schedule_steps, when: { norm: norm.values[0]! } },
      norm: { ...norm, when: { schedule: others.schedule.values.slice(0, 2) } },
      ...others,
    }));
};

const searchable = ({ parameters: { pair: _, ...others } }: SweepFile) => entriesOf(others);

/** What a trial's values must be, said without the code under test: from its spec and its parameters. */
function expectWithin(file: SweepFile, trial: PlannedTrial): void {
  expect(trainingSpecSchema.parse(trial.spec)).toEqual(trial.spec);
  for (const [name, parameter] of searchable(file)) {
    const value = trial.spec[name];
    const active = conditionsOf(parameter).every(
      ([other, allowed]) => other in trial.parameters && allowed.includes(trial.parameters[other]!),
    );
    if ('value' in parameter) {
      expect(trial.parameters).not.toHaveProperty(name);
      expect(value).toBe(parameter.value);
      continue;
    }
    expect(name in trial.parameters, `${name} takes part`).toBe(active);
    if (!active) continue;
    expect(trial.parameters[name]).toBe(value);
    if ('values' in parameter) expect(parameter.values).toContain(value);
    else {
      expect(value).toBeGreaterThanOrEqual(parameter.min);
      expect(value).toBeLessThanOrEqual(parameter.max);
      if (parameter.distribution.endsWith('int_uniform')) expect(Number.isInteger(value)).toBe(true);
    }
  }
}

describe('a grid', () => {
  it('has the product of its axes as points, each combination once, numbered in order', () => {
    const axis = fc.uniqueArray(fc.integer({ min: 1, max: 64 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(axis, axis, fc.integer({ min: 1, max: 4 }), (batchSizes, steps, pairs) => {
        const file = fileOf({
          parameters: {
            pair: { values: pairsOf(pairs) },
            batch_size: { values: batchSizes },
            max_steps: { values: steps },
          },
        });
        const trials = expandTrials(file);
        const distinct = new Set(trials.map(({ parameters }) => JSON.stringify(parameters)));
        expect(trials).toHaveLength(batchSizes.length * steps.length * pairs);
        expect(gridSize(file)).toBe(trials.length);
        expect(distinct.size).toBe(trials.length);
        expect(trials.map(({ trial }) => trial)).toEqual(trials.map((_, index) => index));
      }),
    );
  });

  it('never repeats itself over what takes no part, and is counted without being made', () => {
    fc.assert(
      fc.property(searched(false), fc.integer({ min: 1, max: 3 }), (parameters, pairs) => {
        const file = fileOf({ parameters: { pair: { values: pairsOf(pairs) }, ...parameters } });
        const trials = expandTrials(file);
        expect(trials).toHaveLength(gridSize(file));
        expect(new Set(trials.map((trial) => JSON.stringify(trial.parameters))).size).toBe(trials.length);
        for (const trial of trials) expectWithin(file, trial);
      }),
      { numRuns: 60 },
    );
  });

  it('is cut off at run_cap: the first trials of the whole', () => {
    fc.assert(
      fc.property(searched(false), fc.integer({ min: 1, max: 20 }), (parameters, cap) => {
        const all = expandTrials(fileOf({ parameters: { pair: { values: pairsOf(2) }, ...parameters } }));
        const some = expandTrials(
          fileOf({ run_cap: cap, parameters: { pair: { values: pairsOf(2) }, ...parameters } }),
        );
        expect(some).toEqual(all.slice(0, cap));
      }),
      { numRuns: 30 },
    );
  });

  it('of more points than a sweep may have is refused with their number, at once', () => {
    const ten = Array.from({ length: 10 }, (_, index) => index + 1);
    const parameters = {
      pair: { values: pairsOf(10) },
      batch_size: { values: ten },
      max_steps: { values: ten },
      seed: { values: ten },
      prior_steps: { values: ten },
      schedule_steps: { values: ten },
      weight_decay: { values: ten.map((value) => value / 10) },
      ema_decay: { values: ten.map((value) => value / 20) },
      flip_probability: { values: ten.map((value) => value / 10) },
    };
    expect(gridSize(fileOf({ parameters }))).toBe(10 ** 9);
    expect(() => expandTrials(fileOf({ parameters }))).toThrow(
      /the grid has 1,000,000,000 points, more than the 10,000 .* run_cap .* method: random/,
    );
    expect(expandTrials(fileOf({ parameters, run_cap: 3 }))).toHaveLength(3);
  });
});

describe('random search', () => {
  const drawn = (parameters: SearchedParameters, seed: number, run_cap: number) =>
    fileOf({ method: 'random', seed, run_cap, parameters: { pair: { values: pairsOf(3) }, ...parameters } });

  it('draws within bounds, takes what has to take part, and says the same for the same seed', () => {
    fc.assert(
      fc.property(searched(true), fc.nat(), fc.integer({ min: 1, max: 20 }), (parameters, seed, cap) => {
        const file = drawn(parameters, seed, cap);
        const trials = expandTrials(file);
        expect(trials).toHaveLength(cap);
        expect(expandTrials(file)).toEqual(trials);
        expect(expandTrials(drawn(parameters, seed, cap + 7)).slice(0, cap)).toEqual(trials);
        for (const trial of trials) expectWithin(file, trial);
      }),
      { numRuns: 60 },
    );
  });

  it('draws otherwise with another seed', () => {
    const parameters = { learning_rate_t1: { distribution: 'uniform' as const, min: 0.1, max: 1 } };
    expect(expandTrials(drawn(parameters, 1, 5))).not.toEqual(expandTrials(drawn(parameters, 2, 5)));
  });

  it('gives each order of magnitude the same share on a logarithmic scale', () => {
    const parameters = { batch_size: { distribution: 'log_int_uniform' as const, min: 1, max: 64 } };
    const sizes = expandTrials(drawn(parameters, 3, 2000)).map(({ spec }) => spec.batch_size);
    const below = sizes.filter((size) => size <= 8).length;
    expect(below).toBeGreaterThan(900);
    expect(below).toBeLessThan(1300);
    expect(new Set(sizes).has(1) && new Set(sizes).has(64)).toBe(true);
  });
});

describe('advice', () => {
  it('makes the trials that the file means, and their values are read back', () => {
    fc.assert(
      fc.property(searched(true), fc.nat(), (parameters, seed) => {
        const file = fileOf({
          method: 'random',
          seed,
          run_cap: 8,
          parameters: { pair: { values: pairsOf(3) }, ...parameters },
        });
        const space = adviceParameters(file);
        for (const planned of expandTrials(file)) {
          const advised = adviceValues(file, planned.parameters);
          expect(adviceTrial(file, planned.trial, advised)).toEqual(planned);
          const active = space.filter(({ when }) =>
            when.every(({ parameter, values: allowed }) => allowed.includes(advised[parameter]!)),
          );
          expect(Object.keys(advised).sort()).toEqual(active.map(({ name }) => name).sort());
        }
      }),
      { numRuns: 60 },
    );
  });

  it('decides conditions on fixed parameters, and leaves out what can never take part', () => {
    const space = (schedule: string) =>
      adviceParameters(
        fileOf({
          parameters: {
            pair: { values: pairsOf(2) },
            schedule: { value: schedule },
            norm: { value: 'vocabulary', when: { schedule: 'cosine' } },
            schedule_steps: {
              distribution: 'log_int_uniform',
              min: 10,
              max: 400,
              when: { schedule: 'cosine' },
            },
            ema_decay: { values: [0.5, 0.9], when: { norm: 'vocabulary' } },
          },
        }),
      );
    expect(space('constant').map(({ name }) => name)).toEqual(['pair']);
    expect(space('cosine')).toMatchObject([
      { name: 'pair', domain: { kind: 'choice', values: pairsOf(2) } },
      { name: 'schedule_steps', domain: { kind: 'int', min: 10, max: 400, log: true }, when: [] },
      { name: 'ema_decay', domain: { kind: 'choice', values: [0.5, 0.9] }, when: [] },
    ]);
  });

  it('that is not of this sweep is an error that names what is missing', () => {
    const file = fileOf({
      parameters: { pair: { values: pairsOf(1) }, norm: { values: ['free', 'vocabulary'] } },
    });
    expect(() => adviceTrial(file, 4, { norm: 'free' })).toThrow(/trial 4 has no pair/);
    expect(() => adviceTrial(file, 4, { pair: pairsOf(1)[0]! })).toThrow(/trial 4 has no norm/);
  });
});
