import { z } from 'zod';
import { nearest } from './nearest.js';
import { policyFields, policyProblems } from './sweep-policies.js';
import {
  defaultModel,
  hyperparameterNames,
  hyperparametersSchema,
  initializerSchema,
  modelNameSchema,
  placeholderSchema,
  samplesSchema,
  seedSchema,
} from './training-spec.js';

const scalarSchema = z.union([z.string(), z.number(), z.boolean()]);

const rangeSchema = z
  .strictObject({
    distribution: z.enum(['uniform', 'log_uniform', 'int_uniform']),
    min: z.number(),
    max: z.number(),
  })
  .refine((range) => range.min < range.max, { path: ['max'], error: 'must be greater than min' })
  .refine((range) => range.distribution !== 'log_uniform' || range.min > 0, {
    path: ['min'],
    error: 'must be above 0 for log_uniform',
  })
  .refine(
    (range) =>
      range.distribution !== 'int_uniform' || (Number.isInteger(range.min) && Number.isInteger(range.max)),
    {
      path: ['min'],
      error: 'must be whole numbers for int_uniform',
    },
  );

const valuesSchema = z.strictObject({ values: z.array(scalarSchema).min(1).max(1000) });
const valueSchema = z.strictObject({ value: scalarSchema });

/** What one hyper-parameter may be. */
export const parameterSchema = z.union([valueSchema, valuesSchema, rangeSchema], {
  error: 'must be {value: …}, {values: […]} or {distribution: uniform | log_uniform | int_uniform, min, max}',
});

/** Words to learn and to begin from, zipped. */
export const pairSchema = z.strictObject({
  placeholder: placeholderSchema,
  initializer: initializerSchema,
  /** Overrides the sweep's dataset for this pair. */
  dataset: z.string().min(1).optional(),
});

const pairsSchema = z.strictObject({ values: z.array(pairSchema).min(1).max(1000) });

/** The least `max_steps` of any trial, where the file says it. */
function leastMaxSteps(parameters: Readonly<Record<string, unknown>>): number | undefined {
  const given = parameters['max_steps'];
  if (given === undefined) return hyperparametersSchema.shape.max_steps.parse(undefined);
  const { value, values, min } = given as { value?: unknown; values?: unknown[]; min?: unknown };
  const numbers = [value, min, ...(values ?? [])].filter((each): each is number => typeof each === 'number');
  return numbers.length === 0 ? undefined : Math.min(...numbers);
}

export const sweepFileSchema = z
  .strictObject({
    name: z.string().min(1).max(80),
    model: modelNameSchema.default(defaultModel),
    /** A folder (the command line uploads it) or a dataset id. */
    dataset: z.string().min(1),
    method: z.enum(['grid', 'random']).default('grid'),
    metric: z
      .strictObject({
        name: z.string().min(1).default('eval_gain'),
        goal: z.enum(['maximize', 'minimize']).default('maximize'),
      })
      .prefault({}),
    /** Most trials. Required for random; caps grid. */
    run_cap: z.int().min(1).max(10_000).optional(),
    seed: seedSchema.default(0),
    parameters: z.looseObject({ pair: pairsSchema }).check((context) => {
      for (const name of Object.keys(context.value)) {
        if (name === 'pair' || hyperparameterNames.includes(name)) continue;
        const known = ['pair', ...hyperparameterNames];
        const near = nearest(name, known);
        context.issues.push({
          code: 'custom',
          input: context.value,
          path: [name],
          message: `unknown parameter${near === undefined ? '' : `; did you mean "${near}"?`} Allowed: ${known.join(', ')}`,
        });
      }
      for (const [name, parameter] of Object.entries(context.value)) {
        if (name === 'pair' || !hyperparameterNames.includes(name)) continue;
        const result = parameterSchema.safeParse(parameter);
        if (result.success) continue;
        for (const issue of result.error.issues) {
          context.issues.push({
            code: 'custom',
            input: parameter,
            path: [name, ...issue.path],
            message: issue.message,
          });
        }
      }
    }),
    max_concurrent_trials: z.int().min(1).max(1000).default(4),
    max_restarts: z.int().min(0).max(1000).default(5),
    checkpoint: z.strictObject({ every_steps: z.int().min(1).max(10_000).default(25) }).prefault({}),
    eval: z.strictObject({ every_steps: z.int().min(0).max(1_000_000).default(25) }).prefault({}),
    samples: samplesSchema.prefault({}),
    segment_max_s: z.int().min(1).max(86_400).default(60),
    ...policyFields,
  })
  .check(({ value, issues }) => {
    for (const { path, message } of policyProblems(value, leastMaxSteps(value.parameters))) {
      issues.push({ code: 'custom', input: value, path: [...path], message });
    }
  })
  .refine((file) => file.method !== 'random' || file.run_cap !== undefined, {
    path: ['run_cap'],
    error: 'must be given for method random: the number of trials',
  });

export type SweepFile = z.output<typeof sweepFileSchema>;
export type SweepFileInput = z.input<typeof sweepFileSchema>;
export type Parameter = z.output<typeof parameterSchema>;
export type Pair = z.output<typeof pairSchema>;
