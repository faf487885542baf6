import type { SampleSpec, TrainingSpec } from '@murnau/domain';
import * as proto from '../gen/murnau/worker/v1/worker.js';

const objectives = { joint: proto.Objective.OBJECTIVE_JOINT } as const;
const resizes = { squash: proto.Resize.RESIZE_SQUASH, crop: proto.Resize.RESIZE_CROP } as const;
const templateSets = {
  object: proto.TemplateSet.TEMPLATE_SET_OBJECT,
  style: proto.TemplateSet.TEMPLATE_SET_STYLE,
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
const poolings = { eot: proto.Pooling.POOLING_EOT, argmax: proto.Pooling.POOLING_ARGMAX } as const;

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

export function toProtoTrainingSpec(spec: TrainingSpec): proto.TrainingSpec {
  return {
    model: spec.model,
    placeholderToken: spec.placeholder_token,
    initializerToken: spec.initializer_token,
    numVectors: spec.num_vectors,
    objective: objectives[spec.objective],
    pooling: poolings[spec.pooling],
    learningRateT1: spec.learning_rate_t1,
    learningRateT2: spec.learning_rate_t2,
    learningRateUnit: learningRateUnits[spec.learning_rate_unit],
    schedule: schedules[spec.schedule],
    scheduleSteps: spec.schedule_steps ?? spec.max_steps,
    weightDecay: spec.weight_decay,
    batchSize: spec.batch_size,
    maxSteps: spec.max_steps,
    seed: BigInt(spec.seed),
    resize: resizes[spec.resize],
    flipProbability: spec.flip_probability,
    templates: templateSets[spec.templates],
    norm: normRules[spec.norm],
    emaDecay: spec.ema_decay,
    priorSteps: spec.prior_steps,
    packing: packings[spec.packing],
    checkpointEverySteps: spec.checkpoint.every_steps,
    evalEverySteps: spec.eval.every_steps,
    samples: toProtoSamples(spec.samples),
  };
}
