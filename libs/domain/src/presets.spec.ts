import { describe, expect, it } from 'vitest';
import { parse } from './parse.js';
import { presetNames, presets, presetValues } from './presets.js';
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
  it.each(presetNames)('%s makes a valid spec, each value of it as it says', (name) => {
    const spec = parse(trainingSpecSchema, { ...presetValues(name), ...words }, 'training spec');
    expect(spec).toMatchObject(presets[name]);
  });

  it('leaves open only what does not change what is learnt', () => {
    const open = hyperparameterNames.filter((name) => !(name in presets.reference));
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
    expect(expandTrials(file(undefined))[0]?.spec).toMatchObject({ pooling: 'eot', max_steps: 200 });
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
