import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { answeredFields, fieldsOf, towerFields } from './fields.js';
import { families } from './generated.js';
import { moss } from './test-table.js';

describe('the fields of a table', () => {
  const schema = z.strictObject({
    ...fieldsOf(moss, 'parameters'),
    ...towerFields(moss, 'rate_', { common: z.number().default(0.5), other: z.number().optional() }),
  });
  type Spec = z.output<typeof schema>;

  it('have defaults where every family has them, and are left out where only some do', () => {
    expect(schema.parse({})).toEqual({ steps: 5, rate_a: 0.5 });
    expectTypeOf<Spec['steps']>().toEqualTypeOf<number>();
    expectTypeOf<Spec['rate_a']>().toEqualTypeOf<number>();
    expectTypeOf<Spec['reading']>().toEqualTypeOf<'end' | 'start' | undefined>();
    expectTypeOf<Spec['rate_b']>().toEqualTypeOf<number | undefined>();
    expectTypeOf<z.input<typeof schema>['steps']>().toEqualTypeOf<number | undefined>();
  });

  it.each([
    [{ steps: 0 }, /expected number to be >=1/],
    [{ steps: 11 }, /expected number to be <=10/],
    [{ steps: 2.5 }, /expected int/],
    [{ share: 0 }, /expected number to be >0/],
    [{ share: 1 }, /expected number to be <1/],
    [{ reading: 'middle' }, /expected one of/],
    [{ drops: 'yes' }, /expected boolean/],
  ])('refuse %j', (given, message) => expect(schema.safeParse(given).error?.message).toMatch(message));

  it('of options are prompts, respacings and numbers', () => {
    const options = z.strictObject(fieldsOf(moss, 'options'));
    const given = { spacing: '10,5', not: 'grey', scale: 2 };
    expect(options.parse(given)).toEqual(given);
    expect(options.parse({ spacing: 25 })).toEqual({ spacing: '25' });
    expectTypeOf<z.output<typeof options>['spacing']>().toEqualTypeOf<string | undefined>();
    expect(options.safeParse({ not: '' }).success).toBe(false);
    // Of 100 timesteps two sections have 50 each.
    expect(options.safeParse({ spacing: '51,1' }).error?.message).toMatch(
      /section 1 of 2 must have 1 to 50 steps/,
    );
    expect(options.safeParse({ spacing: 'all' }).error?.message).toMatch(/of the 100 timesteps/);
  });

  it('that models answer are those without a default, and no prompts', () => {
    const answered = z.object(answeredFields(moss));
    expect(Object.keys(answered.shape)).toEqual(['spacing', 'scale']);
    expect(answered.parse({ spacing: '25' })).toEqual({ spacing: '25' });
    expectTypeOf<z.output<typeof answered>>().toEqualTypeOf<{
      spacing: string;
      scale?: number | undefined;
    }>();
  });

  it('may not mean different things in different families', () => {
    const other = { ...moss.fern, parameters: { steps: { ...moss.fern.parameters.steps, maximum: 6 } } };
    expect(() => fieldsOf({ lichen: moss.lichen, other }, 'parameters')).toThrow(
      'steps means different things in different families',
    );
  });

  it('are left out where families have other defaults for them', () => {
    const steps = { ...moss.fern.parameters.steps, default: 6 } as const;
    const other = { ...moss.fern, parameters: { steps } } as const;
    const differing = z.strictObject(fieldsOf({ lichen: moss.lichen, other }, 'parameters'));
    expect(differing.parse({})).toEqual({});
    expectTypeOf<z.output<typeof differing>['steps']>().toEqualTypeOf<number | undefined>();
    expect(differing.safeParse({ steps: 11 }).success).toBe(false);
  });

  it('of the generated table have the defaults that it says', () => {
    const { 'kandinsky-2.1': alone } = families;
    const defaults = Object.fromEntries(
      Object.entries(alone.parameters).map(([name, property]) => [name, property.default]),
    );
    expect(z.strictObject(fieldsOf({ alone }, 'parameters')).parse({})).toEqual(defaults);
  });
});
