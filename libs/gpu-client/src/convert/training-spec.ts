import { familyParametersOf, initializersOf, learningRatesOf } from '@murnau/domain';
import type { SampleSpec, TrainingSpec } from '@murnau/domain';
import * as proto from '../gen/murnau/worker/v1/worker.js';

const resizes = {
  squash: proto.Resize.RESIZE_SQUASH,
  crop: proto.Resize.RESIZE_CROP,
  bucket: proto.Resize.RESIZE_BUCKET,
} as const;
const lossWeights = {
  uniform: proto.LossWeight.LOSS_WEIGHT_UNIFORM,
  min_snr: proto.LossWeight.LOSS_WEIGHT_MIN_SNR,
} as const;
const lossMasks = {
  none: proto.LossMask.LOSS_MASK_NONE,
  alpha: proto.LossMask.LOSS_MASK_ALPHA,
  file: proto.LossMask.LOSS_MASK_FILE,
} as const;
const published = {
  averaged: proto.Publish.PUBLISH_AVERAGED,
  last: proto.Publish.PUBLISH_LAST,
  best: proto.Publish.PUBLISH_BEST,
} as const;
const templateSets = {
  object: proto.TemplateSet.TEMPLATE_SET_OBJECT,
  style: proto.TemplateSet.TEMPLATE_SET_STYLE,
  captions: proto.TemplateSet.TEMPLATE_SET_CAPTIONS,
} as const;
const schedules = {
  constant: proto.Schedule.SCHEDULE_CONSTANT,
  cosine: proto.Schedule.SCHEDULE_COSINE,
  linear: proto.Schedule.SCHEDULE_LINEAR,
} as const;
const normRules = {
  free: proto.NormRule.NORM_RULE_FREE,
  vocabulary: proto.NormRule.NORM_RULE_VOCABULARY,
} as const;
const learningRateUnits = {
  relative: proto.LearningRateUnit.LEARNING_RATE_UNIT_RELATIVE,
  absolute: proto.LearningRateUnit.LEARNING_RATE_UNIT_ABSOLUTE,
} as const;
const packings = {
  packed: proto.Packing.PACKING_PACKED,
  exclusive: proto.Packing.PACKING_EXCLUSIVE,
} as const;

function toProtoSamples(samples: SampleSpec): proto.SampleSpec {
  return {
    everySteps: samples.every_steps,
    prompts: samples.prompts,
    perPrompt: samples.per_prompt,
    seed: BigInt(samples.seed),
    finalCount: samples.final_count,
    finalSeed: BigInt(samples.final_seed),
    numSteps: samples.num_steps,
    guidanceScale: samples.guidance_scale,
  };
}

const toConcept = (spec: TrainingSpec): proto.Concept => ({
  placeholderToken: spec.placeholder_token,
  initializerToken: spec.initializer_token,
  initializers: initializersOf(spec),
  numVectors: spec.num_vectors,
});

const toObjective = (spec: TrainingSpec): proto.Objective => ({
  name: spec.objective,
  parameters: familyParametersOf(spec),
  lossWeight: lossWeights[spec.loss_weight],
  minSnrGamma: spec.min_snr_gamma,
  lossMask: lossMasks[spec.loss_mask],
  lossMaskFloor: spec.loss_mask_floor,
});

const toOptimizer = (spec: TrainingSpec): proto.Optimizer => ({
  name: spec.optimizer,
  learningRates: learningRatesOf(spec),
  learningRateUnit: learningRateUnits[spec.learning_rate_unit],
  schedule: schedules[spec.schedule],
  scheduleSteps: spec.schedule_steps ?? spec.max_steps,
  warmupSteps: spec.warmup_steps,
  weightDecay: spec.weight_decay,
  batchSize: spec.batch_size,
  gradientAccumulationSteps: spec.gradient_accumulation_steps,
  norm: normRules[spec.norm],
  emaDecay: spec.ema_decay,
});

const toData = (spec: TrainingSpec): proto.Data => ({
  resize: resizes[spec.resize],
  flipProbability: spec.flip_probability,
  templates: templateSets[spec.templates],
  templateLanguages: spec.template_languages.split(','),
});

export function toProtoTrainingSpec(spec: TrainingSpec): proto.TrainingSpec {
  return {
    model: spec.model,
    concept: toConcept(spec),
    objective: toObjective(spec),
    optimizer: toOptimizer(spec),
    data: toData(spec),
    evaluation: {
      everySteps: spec.eval.every_steps,
      publish: published[spec.publish],
      stopAtPlateau: spec.stop_when.plateau,
    },
    samples: toProtoSamples(spec.samples),
    maxSteps: spec.max_steps,
    seed: BigInt(spec.seed),
    packing: packings[spec.packing],
    checkpointEverySteps: spec.checkpoint.every_steps,
  };
}
