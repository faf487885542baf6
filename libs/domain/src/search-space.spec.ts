import { describe, expect, it } from 'vitest';
import { MurnauError } from './errors.js';
import { parse } from './parse.js';
import { expandTrials } from './search-space.js';
import { sweepFileSchema } from './sweep-file.js';
import type { SweepFileInput } from './sweep-file.js';

const pair = { placeholder: 'sapsan', initializer: 'train' };
const file = (over: Partial<SweepFileInput>) =>
  parse(
    sweepFileSchema,
    { name: 'a', dataset: 'd', parameters: { pair: { values: [pair] } }, ...over },
    'sweep file',
  );

describe('expandTrials', () => {
  it('zips pairs and crosses the rest', () => {
    const trials = expandTrials(
      file({
        parameters: {
          pair: { values: [pair, { ...pair, initializer: 'locomotive', dataset: 'front' }] },
          learning_rate_t1: { values: [0.1, 0.2] },
          max_steps: { value: 30 },
        },
      }),
    );
    expect(
      trials.map(({ parameters, dataset }) => [
        parameters['initializer'],
        parameters['learning_rate_t1'],
        dataset,
      ]),
    ).toEqual([
      ['train', 0.1, 'd'],
      ['train', 0.2, 'd'],
      ['locomotive', 0.1, 'front'],
      ['locomotive', 0.2, 'front'],
    ]);
    expect(trials.every(({ spec }) => spec.max_steps === 30)).toBe(true);
    expect(trials[0]?.parameters).not.toHaveProperty('max_steps');
  });

  it('changes the first parameter of the file fastest, whatever its name', () => {
    const parameters = {
      pair: { values: [pair] },
      max_steps: { values: [1, 2] },
      batch_size: { values: [3, 4] },
    };
    const points = expandTrials(file({ parameters })).map(({ spec }) => [spec.max_steps, spec.batch_size]);
    expect(points).toEqual([
      [1, 3],
      [2, 3],
      [1, 4],
      [2, 4],
    ]);
    expect(Object.keys(file({ parameters }).parameters)).toEqual(Object.keys(parameters));
  });

  it('spreads draws evenly', () => {
    const trials = expandTrials(
      file({
        method: 'random',
        run_cap: 2000,
        parameters: {
          pair: { values: [pair] },
          flip_probability: { distribution: 'uniform', min: 0, max: 1 },
        },
      }),
    );
    const bins = Array<number>(10).fill(0);
    for (const { spec } of trials) bins[Math.floor(spec.flip_probability * 10)]! += 1;
    expect(Math.min(...bins)).toBeGreaterThan(140);
    expect(Math.max(...bins)).toBeLessThan(260);
  });

  it('refuses a distribution in a grid', () => {
    const ranged = file({
      parameters: { pair: { values: [pair] }, weight_decay: { distribution: 'uniform', min: 0, max: 1 } },
    });
    expect(() => expandTrials(ranged)).toThrow(/a grid needs values/);
  });
});

describe('sweep file', () => {
  const refusal = (value: unknown): MurnauError => {
    try {
      parse(sweepFileSchema, value, 'sweep file');
    } catch (error) {
      if (error instanceof MurnauError) return error;
    }
    throw new Error('was not refused');
  };
  const valid = { name: 'a', dataset: 'd', parameters: { pair: { values: [pair] } } };

  it.each([
    [{ ...valid, run_capp: 3 }, 'run_capp', 'did you mean "run_cap"?'],
    [{ ...valid, samples: { every_step: 3 } }, 'samples.every_step', 'did you mean "every_steps"?'],
    [
      { ...valid, parameters: { ...valid.parameters, learning_rate_t: { value: 1 } } },
      'parameters.learning_rate_t',
      'did you mean "learning_rate_t1"?',
    ],
    [
      { ...valid, parameters: { pair: { values: [{ ...pair, initialiser: 'x' }] } } },
      'parameters.pair.values[0].initialiser',
      'did you mean "initializer"?',
    ],
    [{ ...valid, method: 'random' }, 'run_cap', 'must be given for method random'],
    [
      { ...valid, parameters: { pair: { values: [{ initializer: 'x' }] } } },
      'parameters.pair.values[0].placeholder',
      'is missing',
    ],
    [
      { ...valid, parameters: { pair: { values: [{ ...pair, placeholder: 'Sapsan2' }] } } },
      'parameters.pair.values[0].placeholder',
      'lower-case letters',
    ],
    [
      { ...valid, parameters: { ...valid.parameters, learning_rate_t1: { value: -1 } } },
      'parameters.learning_rate_t1.value',
      'must be above 0',
    ],
  ])('names the field and the remedy: %#', (value, field, remedy) => {
    const error = refusal(value);
    expect(error.field).toBe(field);
    expect(error.message).toContain(remedy);
    expect(error.kind.exitCode).toBe(2);
  });
});
