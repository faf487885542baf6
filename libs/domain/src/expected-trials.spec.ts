import { describe, expect, it } from 'vitest';
import { expectedTrials } from './expected-trials.js';
import type { Sweep } from './resources/sweep.js';
import { sweepFileSchema } from './sweep-file.js';

const search = (values: Partial<Sweep> = {}, file: object = {}): Sweep =>
  ({
    trials: 4,
    phase: 'running',
    stop_reason: null,
    spec: sweepFileSchema.parse({
      name: 'owls',
      dataset: 'd',
      method: 'tpe',
      run_cap: 12,
      parameters: { pair: { values: [{ placeholder: 'uhu', initializer: 'owl' }] } },
      ...file,
    }),
    ...values,
  }) as Sweep;

describe('the trials that a sweep is to have', () => {
  it.each([
    ['all that a search may suggest', search(), 12],
    ['no more than its budget', search({}, { budget: { trials: 6 } }), 6],
    ['those it has, once it starts no more', search({ stop_reason: 'somebody stopped it' }), 4],
    ['those it has, once it has ended', search({ phase: 'finished' }), 4],
    ['its finalists, too', search({ trials: 18 }), 18],
    ['those that were planned, of every other method', search({}, { method: 'random' }), 4],
  ])('are %s', (_, sweep, expected) => {
    expect(expectedTrials(sweep)).toBe(expected);
  });
});
