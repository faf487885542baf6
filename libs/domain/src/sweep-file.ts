import { z } from 'zod';
import { familyNames } from './families/families.js';
import { defaultModel } from './families/registry.js';
import type { FamilyName, Preset } from './families/registry.js';
import { inInputOrder } from './input-order.js';
import { nameSchema } from './names.js';
import { presetNames, presetValues } from './presets.js';
import { pairProblems, parameterProblems } from './sweep-checks.js';
import type { Problem } from './sweep-checks.js';
import { hyperparameterSearches } from './sweep-parameters.js';
import { policyProblems, sweepPolicies } from './sweep-policies.js';
import {
  mostSteps,
  checkpointSchema,
  hyperparametersSchema,
  initializerKeys,
  initializerSchema,
  modelNameSchema,
  placeholderSchema,
  samplesSchema,
  seedSchema,
} from './training-spec.js';

/** Most trials of one sweep. */
export const maxTrials = 10_000;

/** Metrics that order trials, and whether more of one is better. */
export const sweepMetrics = {
  eval_gain: 'maximize',
  eval_loss: 'minimize',
  train_loss: 'minimize',
  image_alignment: 'maximize',
  text_alignment: 'maximize',
} as const;
const metricNames = Object.keys(sweepMetrics) as (keyof typeof sweepMetrics)[];

const report =
  <Value>(problemsOf: (value: Value) => Problem[]) =>
  (context: z.core.ParsePayload<Value>): void => {
    for (const { path, message } of problemsOf(context.value)) {
      context.issues.push({ code: 'custom', input: context.value, path: [...path], message });
    }
  };

/** Words to learn and to begin from, zipped. */
export const pairSchema = z.strictObject({
  placeholder: placeholderSchema,
  initializer: initializerSchema,
  ...initializerKeys,
  /** Overrides the sweep's dataset for this pair. */
  dataset: z.string().min(1).optional(),
});

const pairsSchema = z.strictObject({
  values: z.array(pairSchema).min(1).max(1000).check(report(pairProblems)),
});

/** The order of its keys is that of a grid's axes. */
const parametersSchema = inInputOrder(
  z
    .strictObject({ pair: pairsSchema, ...hyperparameterSearches })
    .check(report(({ pair: _, ...others }) => parameterProblems(others))),
);

const metricSchema = z
  .strictObject({
    name: z.enum(metricNames).default('eval_gain'),
    goal: z.enum(['maximize', 'minimize']).default('maximize'),
  })
  // The default goal is the wrong one for a loss: it must be written.
  .refine(({ name, goal }) => goal === 'minimize' || sweepMetrics[name] === 'maximize', {
    path: ['goal'],
    error: 'must be minimize for a loss',
  });

interface Planned {
  readonly parameters: z.output<typeof parametersSchema>;
  readonly preset?: Preset | undefined;
  readonly family?: FamilyName | undefined;
}

/** The least `max_steps` that a trial of the file may have: each must come to a rung. */
function leastMaxSteps({ parameters: { max_steps }, preset, family }: Planned): number {
  if (max_steps === undefined) {
    return hyperparametersSchema.shape.max_steps.parse(presetValues(preset, family).max_steps);
  }
  if ('value' in max_steps) return Number(max_steps.value);
  return 'values' in max_steps ? Math.min(...max_steps.values.map(Number)) : max_steps.min;
}

export const sweepFileSchema = z
  .strictObject({
    name: nameSchema,
    model: modelNameSchema.default(defaultModel),
    /** Of the model, for whose sake a preset has other values. Absent: as a worker says that serves it. */
    family: z.enum(familyNames).optional(),
    /** A folder (the command line uploads it) or a dataset id. */
    dataset: z.string().min(1),
    method: z.enum(['grid', 'random', 'tpe']).default('grid'),
    /** For tpe: suggestion n sees exactly the trials up to n - max_concurrent_trials, so that a seed reproduces it. */
    ordered: z.boolean().default(false),
    metric: metricSchema.prefault({}),
    /** Most trials. Required for random; caps grid. */
    run_cap: z.int().min(1).max(maxTrials).optional(),
    seed: seedSchema.default(0),
    /** Values of what `parameters` leaves open. */
    preset: z.enum(presetNames).optional(),
    parameters: parametersSchema,
    max_concurrent_trials: z.int().min(1).max(1000).default(4),
    max_restarts: z.int().min(0).max(1000).default(5),
    checkpoint: checkpointSchema.prefault({}),
    eval: z.strictObject({ every_steps: z.int().min(0).max(mostSteps).default(25) }).prefault({}),
    samples: samplesSchema.prefault({}),
    segment_max_s: z.int().min(1).max(86_400).default(60),
    ...sweepPolicies,
  })
  .refine((file) => file.method === 'grid' || file.run_cap !== undefined, {
    path: ['run_cap'],
    error: ({ input }) =>
      `must be given for method ${(input as { method: string }).method}: the number of trials`,
  })
  .refine((file) => !file.ordered || file.early_terminate.type === 'none', {
    path: ['ordered'],
    error: 'cannot go with early_terminate: a trial that waits at a rung has no end to wait for',
  })
  .check(
    report((file) =>
      policyProblems(file, {
        maxSteps: leastMaxSteps(file),
        trials: file.run_cap ?? maxTrials,
      }),
    ),
  );

/** The fewest and the most vectors that a trial of the file may learn. */
export function vectorsOf({ preset, family, parameters: { num_vectors } }: SweepFile): {
  least: number;
  most: number;
} {
  const otherwise = hyperparametersSchema.shape.num_vectors.parse(presetValues(preset, family).num_vectors);
  if (num_vectors === undefined) return { least: otherwise, most: otherwise };
  const possible =
    'min' in num_vectors
      ? [num_vectors.min, num_vectors.max]
      : 'values' in num_vectors
        ? num_vectors.values.map(Number)
        : [Number(num_vectors.value)];
  if (num_vectors.when !== undefined) possible.push(otherwise);
  return { least: Math.min(...possible), most: Math.max(...possible) };
}

export type SweepFile = z.output<typeof sweepFileSchema>;
export type SweepFileInput = z.input<typeof sweepFileSchema>;
export type Pair = z.output<typeof pairSchema>;
