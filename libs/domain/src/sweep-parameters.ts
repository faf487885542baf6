import { z } from 'zod';
import { hyperparametersSchema } from './training-spec.js';

/** How a hyper-parameter is searched: a value, some values or a range of numbers; always, or under conditions. */

export type HyperparameterName = keyof typeof hyperparametersSchema.shape;

const scalarSchema = z.union([z.string(), z.number(), z.boolean()], {
  error: 'must be text, a number or true or false',
});
export type Scalar = z.output<typeof scalarSchema>;

/** The parameter takes part only where each of these others has the value, or one of the values. */
const whenSchema = z.record(
  z.string(),
  z.union([scalarSchema, z.array(scalarSchema).min(1).max(1000)], {
    error: 'must be a value of that parameter, or a list of some',
  }),
);
const conditional = { when: whenSchema.optional() };

export const distributions = ['uniform', 'log_uniform', 'int_uniform', 'log_int_uniform'] as const;
type Distribution = (typeof distributions)[number];
const isLogarithmic = (distribution: Distribution): boolean => distribution.startsWith('log_');
const isWhole = (distribution: Distribution): boolean => distribution.endsWith('int_uniform');

/** Names that other tools have for these, and for what is not here. */
const otherNames: Readonly<Record<string, string>> = {
  log_uniform_values: 'log_uniform',
  loguniform: 'log_uniform',
  log: 'log_uniform',
  float: 'uniform',
  int: 'int_uniform',
  randint: 'int_uniform',
  log_int: 'log_int_uniform',
  lograndint: 'log_int_uniform',
  int_log_uniform: 'log_int_uniform',
};

const rangeSchema = z
  .strictObject({
    distribution: z.enum(distributions, {
      error: ({ input }) => {
        const meant = typeof input === 'string' ? otherNames[input] : undefined;
        return meant === undefined
          ? undefined
          : `must be one of: ${distributions.join(', ')}; use "${meant}"`;
      },
    }),
    min: z.number(),
    max: z.number(),
    ...conditional,
  })
  .refine(({ distribution, min }) => !isLogarithmic(distribution) || min > 0, {
    path: ['min'],
    error: 'must be above 0 on a logarithmic scale: the value itself, not its exponent',
  })
  .refine(({ distribution, min }) => !isWhole(distribution) || Number.isSafeInteger(min), {
    path: ['min'],
    error: 'must be a whole number',
  })
  .refine(({ distribution, max }) => !isWhole(distribution) || Number.isSafeInteger(max), {
    path: ['max'],
    error: 'must be a whole number',
  })
  .refine(({ min, max }) => min < max, {
    path: ['max'],
    error: 'must be greater than min; for one value use {value: …}',
  });

const valuesSchema = z.strictObject({ values: z.array(scalarSchema).min(1).max(1000), ...conditional });
const valueSchema = z.strictObject({ value: scalarSchema, ...conditional });

/** What one hyper-parameter may be. */
export const parameterSchema = z.union([valueSchema, valuesSchema, rangeSchema], {
  error: ({ input }) => {
    const isScalar = ['string', 'number', 'boolean'].includes(typeof input);
    const hint = isScalar
      ? `; did you mean {value: ${String(input)}}?`
      : Array.isArray(input)
        ? '; did you mean {values: […]}?'
        : '';
    return `must be {value: …}, {values: […]} or {distribution: ${distributions.join(' | ')}, min, max}${hint}`;
  },
});
export type Parameter = z.output<typeof parameterSchema>;

/** One key for each hyper-parameter. */
export const hyperparameterSearches = Object.fromEntries(
  Object.keys(hyperparametersSchema.shape).map((name) => [name, parameterSchema.optional()]),
) as Record<HyperparameterName, z.ZodOptional<typeof parameterSchema>>;
