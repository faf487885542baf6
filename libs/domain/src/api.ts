import { z } from 'zod';
import { trialNumbersSchema, whySchema } from './edits.js';
import { fileNameSchema, nameSchema } from './names.js';
import {
  mostSteps,
  hyperparametersSchema,
  initializerKeys,
  initializerSchema,
  modelNameSchema,
  placeholderSchema,
  trainingSpecSchema,
  wordedTextSchema,
} from './training-spec.js';
import { pairSchema, sweepFileSchema } from './sweep-file.js';
import { runPhases, sweepPhases } from './lifecycle.js';
import { datasetSchema } from './resources/dataset.js';
import { embeddingSchema } from './resources/embedding.js';
import { eventSchema } from './resources/event.js';
import { generationSchema } from './resources/generation.js';
import { metricPointSchema, runSchema, sampleKinds, sampleSchema } from './resources/run.js';
import { finalistSchema, sweepDecisionSchema, sweepSchema } from './resources/sweep.js';
import { modelSchema, workerSchema } from './resources/worker.js';

/** Requests and pages of the HTTP API, one object per operation. */

/** RFC 9457. */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
  next_step: z.string(),
  field: z.string().optional(),
  given: z.string().optional(),
  allowed: z.string().optional(),
});
export type Problem = z.output<typeof problemSchema>;

export const createDatasetSchema = z.strictObject({
  name: nameSchema,
  images: z
    .array(
      z.strictObject({
        hash: z.string(),
        name: fileNameSchema,
        /** A stored picture of the same proportions: white counts in a masked loss. */
        mask_hash: z.string().optional(),
        /** With `{placeholder}` in it. */
        caption: wordedTextSchema.optional(),
      }),
    )
    .min(1)
    .max(256),
});
export type CreateDataset = z.output<typeof createDatasetSchema>;

export const createRunSchema = z.strictObject({
  /** Absent: `<placeholder>-<initializer>`. */
  name: nameSchema.optional(),
  dataset_id: z.string(),
  spec: trainingSpecSchema,
});
export type CreateRun = z.input<typeof createRunSchema>;

/** Words to look at before pictures are sent: whether runs may be made of them. */
export const checkWordsSchema = z.strictObject({
  model: modelNameSchema,
  words: z
    .array(
      z.strictObject({
        placeholder_token: placeholderSchema,
        initializer_token: initializerSchema,
        ...initializerKeys,
        num_vectors: hyperparametersSchema.shape.num_vectors,
      }),
    )
    .min(1)
    .max(1000),
});
export type CheckWords = z.input<typeof checkWordsSchema>;
/** What is wrong is refused as a creation would refuse it. */
export const wordsCheckedSchema = z.object({
  /** False: no worker could be asked; the words are checked where the run begins. */
  checked: z.boolean(),
});
export type WordsChecked = z.output<typeof wordsCheckedSchema>;

export const createSweepSchema = z.strictObject({
  /** `dataset` and each pair's `dataset` are ids here. */
  spec: sweepFileSchema,
  /** True: everything is checked and expanded, nothing is started. */
  dry_run: z.boolean().default(false),
});
export type CreateSweep = z.input<typeof createSweepSchema>;

export const plannedTrialSchema = z.object({
  trial: z.int(),
  parameters: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  spec: trainingSpecSchema,
});
export const sweepPlanSchema = z.object({
  trials: z.array(plannedTrialSchema),
  steps: z.int(),
  pictures: z.int(),
  /** What its creator is to know of its space. */
  notices: z.array(z.string()),
});
export type SweepPlan = z.output<typeof sweepPlanSchema>;

/** Query of an import; the body is the file. */
export const importEmbeddingSchema = z.strictObject({
  model: z.string(),
  placeholder_token: placeholderSchema.optional(),
});

/** Body of what changes a run or a sweep and needs no more than a reason. */
export const editRequestSchema = z.strictObject({ why: whySchema }).prefault({});
export const extendSweepSchema = z
  .strictObject({
    /** More trials of the search. */
    trials: z.int().min(1).max(10_000).optional(),
    /** More steps for the trials that have finished. */
    steps: z.int().min(1).max(mostSteps).optional(),
    why: whySchema,
  })
  .refine(({ trials, steps }) => (trials === undefined) !== (steps === undefined), {
    error: 'must have either trials or steps',
  });
export const addPairSchema = pairSchema.extend({ why: whySchema });
export const dropTrialsSchema = z.strictObject({
  /** By their numbers; those that have ended stay as they are. */
  trials: trialNumbersSchema,
  why: whySchema,
});
export const setConcurrencySchema = z.strictObject({
  max_concurrent_trials: z.int().min(1).max(1_000),
  why: whySchema,
});
export const pickWinnersSchema = z.strictObject({
  trials: z.array(z.int().min(0).max(1_000_000)).min(1).max(1_000),
  why: whySchema,
});

export const forkRunSchema = z.strictObject({
  /** A step whose checkpoint is stored. Absent: the newest. */
  from_step: z.int().min(0).optional(),
  name: nameSchema.optional(),
  /** What of the spec is to differ. */
  spec: z
    .strictObject({
      max_steps: trainingSpecSchema.shape.max_steps.unwrap().optional(),
      checkpoint: trainingSpecSchema.shape.checkpoint.optional(),
      eval: trainingSpecSchema.shape.eval.optional(),
      samples: trainingSpecSchema.shape.samples.optional(),
      max_restarts: trainingSpecSchema.shape.max_restarts.unwrap().optional(),
      segment_max_s: trainingSpecSchema.shape.segment_max_s.unwrap().optional(),
    })
    .prefault({}),
});
export type ForkRun = z.input<typeof forkRunSchema>;

/** Of a removal. */
export const removeQuerySchema = z.strictObject({
  /** What refers to it goes too. */
  dependants: z.enum(['true', 'false']).default('false'),
  /** Nothing is removed: the answer says what would go. */
  dry_run: z.enum(['true', 'false']).default('false'),
});

/** Most items of a page. */
export const largestPage = 200;
/** Metrics are small and many. */
export const mostMetrics = 5_000;

const pageQuery = {
  cursor: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(largestPage).default(50),
};
export const listQuerySchema = z.strictObject(pageQuery);
export const listRunsQuerySchema = z.strictObject({
  ...pageQuery,
  sweep_id: z.string().optional(),
  phase: z.enum(runPhases).optional(),
  owner: z.string().optional(),
  placeholder: z.string().optional(),
});
export const listSweepsQuerySchema = z.strictObject({
  ...pageQuery,
  phase: z.enum(sweepPhases).optional(),
  owner: z.string().optional(),
});
export const listEmbeddingsQuerySchema = z.strictObject({
  ...pageQuery,
  placeholder: z.string().optional(),
  model: z.string().optional(),
  run_id: z.string().optional(),
});

export const listDecisionsQuerySchema = z.strictObject({ ...pageQuery, kind: z.string().min(1).optional() });

export const pageSchema = <Item extends z.ZodType>(item: Item) =>
  z.object({ items: z.array(item), next_cursor: z.string().nullable() });
export interface Page<Item> {
  items: Item[];
  /** Null: this is the last page. */
  next_cursor: string | null;
}

export const datasetPageSchema = pageSchema(datasetSchema);
export const runPageSchema = pageSchema(runSchema);
/** A sweep's runs, best first by its metric. */
export const leaderboardPageSchema = pageSchema(runSchema).extend({ metric: z.string(), goal: z.string() });
export type LeaderboardPage = z.output<typeof leaderboardPageSchema>;
export const sweepPageSchema = pageSchema(sweepSchema);
export const decisionPageSchema = pageSchema(sweepDecisionSchema);
/** Best mean first. */
export const finalistListSchema = z.object({ items: z.array(finalistSchema) });
export const embeddingPageSchema = pageSchema(embeddingSchema);
export const generationPageSchema = pageSchema(generationSchema);
/** By name. */
export const modelListSchema = z.object({ items: z.array(modelSchema) });
export const workerListSchema = z.object({ items: z.array(workerSchema) });

/** What a client needs to know of the server. */
export const serverInfoSchema = z.object({
  version: z.string(),
  owner: z.string(),
  temporal_address: z.string(),
  temporal_ui_url: z.string(),
  gallery_url: z.string(),
  namespace: z.string(),
});
export type ServerInfo = z.output<typeof serverInfoSchema>;

/** Lets one browser in, once. */
export const loginSchema = z.object({ code: z.string(), valid_s: z.int() });
export type Login = z.output<typeof loginSchema>;

/** Whether the parts behind the server answer. */
export const statusSchema = z.object({
  ok: z.boolean(),
  parts: z.array(
    z.object({ name: z.enum(['database', 'temporal', 'workers']), ok: z.boolean(), detail: z.string() }),
  ),
});
export type Status = z.output<typeof statusSchema>;

export const listMetricsQuerySchema = z.strictObject({
  cursor: pageQuery.cursor,
  limit: z.coerce.number().int().min(1).max(mostMetrics).default(1_000),
  /** Separated by commas. Absent: all. */
  names: z.string().min(1).optional(),
  after_step: z.coerce.number().int().min(0).max(mostSteps).optional(),
});
/** By step, then name. */
export const metricPageSchema = pageSchema(metricPointSchema);

export const listSamplesQuerySchema = z.strictObject({ ...pageQuery, kind: z.enum(sampleKinds).optional() });
/** By step, kind and position. */
export const samplePageSchema = pageSchema(sampleSchema);

/** `0`: before the first. A number is written in one way. */
export const eventIdSchema = z.string().regex(/^(0|[1-9]\d{0,15})$/, { error: 'must be the id of an event' });

export const listEventsQuerySchema = z.strictObject({
  /** Id of an event: only later ones. */
  after: eventIdSchema.optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(200),
});
/** Oldest first. */
export const eventListSchema = z.object({ items: z.array(eventSchema) });
