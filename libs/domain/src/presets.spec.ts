import { describe, expect, it } from 'vitest';
import { parse } from './parse.js';
import { familyNames } from './families/families.js';
import { presetNames, presetValues } from './presets.js';
import { foreignKey } from './families/own-keys.js';
import { expandTrials } from './search-space.js';
import { sweepFileSchema, vectorsOf } from './sweep-file.js';
import { hyperparameterNames, trainingSpecSchema } from './training-spec.js';

const words = { placeholder_token: 'oktavo', initializer_token: 'fish' };
const file = (preset: string | undefined, parameters: Record<string, unknown> = {}) =>
  parse(
    sweepFileSchema,
    {
      name: 'presets',
      dataset: '5f0c11aa',
      ...(preset === undefined ? {} : { preset }),
      parameters: { pair: { values: [{ placeholder: 'oktavo', initializer: 'fish' }] }, ...parameters },
    },
    'sweep file',
  );

describe('a preset', () => {
  it.each(familyNames.flatMap((family) => presetNames.map((name) => [name, family] as const)))(
    '%s of %s makes a valid spec, each value of it as it says, and knows no other family’s keys',
    (name, family) => {
      const values = presetValues(name, family);
      const spec = parse(trainingSpecSchema, { ...values, ...words }, 'training spec');
      expect(spec).toMatchObject(values);
      for (const [key, value] of Object.entries(values)) {
        expect(foreignKey(family, { key, values: [value] }), key).toBeUndefined();
      }
    },
  );

  it('leaves open only what does not change what is learnt', () => {
    const open = hyperparameterNames.filter((name) => !(name in presetValues('reference')));
    expect(open).toEqual([
      'prior_share',
      'warm_steps',
      'schedule_steps',
      'min_snr_gamma',
      'seed',
      'loss_mask_floor',
      'packing',
    ]);
  });

  it('fills what a sweep leaves open, and gives way to what it says', () => {
    const [plain] = expandTrials(file('reference'));
    expect(plain?.spec).toMatchObject({ pooling: 'argmax', max_steps: 3000, learning_rate_unit: 'absolute' });
    const trials = expandTrials(
      file('reference', {
        batch_size: { values: [1, 2] },
        pooling: { value: 'eot' },
        max_steps: { value: 40 },
      }),
    );
    expect(trials.map(({ spec }) => [spec.batch_size, spec.pooling, spec.max_steps, spec.ema_decay])).toEqual(
      [
        [1, 'eot', 40, 0],
        [2, 'eot', 40, 0],
      ],
    );
    const [open] = expandTrials(file(undefined));
    expect(open?.spec.max_steps).toBe(200);
    expect(open?.spec).not.toHaveProperty('pooling');
  });

  it('is the one of the model’s family', () => {
    const [trial] = expandTrials({ ...file('reference'), family: 'kandinsky-2.0' });
    expect(trial?.spec).toMatchObject({ max_steps: 3000, learning_rate_unit: 'absolute' });
    expect(trial?.spec).not.toHaveProperty('pooling');
  });

  it('of another name is refused', () => {
    expect(() => file('referense')).toThrow(/preset/);
  });
});

describe('the vectors of a sweep', () => {
  it.each([
    [{}, { least: 1, most: 1 }],
    [{ num_vectors: { value: 4 } }, { least: 4, most: 4 }],
    [{ num_vectors: { values: [2, 4] } }, { least: 2, most: 4 }],
    [
      { num_vectors: { values: [2, 4], when: { norm: 'free' } }, norm: { values: ['free', 'vocabulary'] } },
      { least: 1, most: 4 },
    ],
  ])('of %j', (parameters, vectors) => expect(vectorsOf(file(undefined, parameters))).toEqual(vectors));
});
