import { describe, expect, it } from 'vitest';
import { familyNames } from './families.js';
import { foreignKey, keysOfFamily } from './own-keys.js';
import { moss } from './test-table.js';

const check = (family: string, key: string, ...values: unknown[]) =>
  foreignKey(family, { key, values }, moss)?.message;

describe('keys of a family', () => {
  it('are its parameters, its options, and those of its towers', () => {
    expect([...keysOfFamily('fern', moss)]).toEqual(['steps', 'spacing', 'learning_rate_a', 'initializer_a']);
    expect(keysOfFamily('lichen', moss)).toContain('initializer_b');
    expect([...keysOfFamily('unknown', moss)]).toEqual([]);
  });

  it('of the generated table are of one family or of several', () => {
    const of = (family: string, key: string) => foreignKey(family, { key, values: [0.2] })?.families;
    for (const family of familyNames) expect(of(family, 'learning_rate_t2')).toBeUndefined();
    expect(keysOfFamily('kandinsky-2.1')).toContain('negative_prior_prompt');
    expect(of('kandinsky-2.0', 'negative_prior_prompt')).toEqual(['kandinsky-2.1']);
    expect(of('kandinsky-2.1', 'denoised_type')).toEqual(['kandinsky-2.0']);
  });

  it.each(['share', 'learning_rate_b', 'initializer_b', 'not', 'scale'])(
    'refuse %s where only another family has it, and name that one',
    (key) => {
      const message = `${key} means nothing for a model of fern: only lichen has it`;
      expect(check('fern', key, 1)).toBe(message);
      expect(foreignKey('fern', { key, values: [] }, moss)?.families).toEqual(['lichen']);
      expect(check('lichen', key, 1)).toBeUndefined();
    },
  );

  it('refuse another family’s objective and sampler', () => {
    expect(check('fern', 'objective', 'whole', 'halves')).toBe(
      'objective halves means nothing for a model of fern, which has whole: only lichen has it',
    );
    expect(check('fern', 'sampler', 'odd_sampler')).toMatch(
      /^sampler odd_sampler means nothing .* which has ddim_sampler/,
    );
    expect(check('lichen', 'objective', 'halves')).toBeUndefined();
  });

  it('leave alone what all have, what nobody has, and a family that the table lacks', () => {
    expect(check('fern', 'steps', 3)).toBeUndefined();
    expect(check('fern', 'batch_size', 3)).toBeUndefined();
    expect(check('newer', 'share', 0.5)).toBeUndefined();
  });
});
