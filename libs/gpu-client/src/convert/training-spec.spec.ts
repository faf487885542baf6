import { parse, trainingSpecSchema } from '@murnau/domain';
import { describe, expect, it } from 'vitest';
import * as proto from '../gen/murnau/worker/v1/worker.js';
import { toProtoTrainingSpec } from './training-spec.js';

/** As the worker reads it. */
const sent = (given: object): proto.TrainingSpec => {
  const words = { placeholder_token: 'sapsan', initializer_token: 'train' };
  const spec = toProtoTrainingSpec(parse(trainingSpecSchema, { ...words, ...given }, 'spec'));
  return proto.TrainingSpec.decode(proto.TrainingSpec.encode(spec).finish());
};

describe('a training spec on its way to the worker', () => {
  it('is in sections, rates by tower and the family’s own parameters by name', () => {
    expect(sent({ learning_rate_t2: 0.05, text_dropout: true, max_steps: 300 })).toMatchObject({
      model: 'kandinsky-2.1-small',
      concept: { placeholderToken: 'sapsan', initializerToken: 'train', initializers: {}, numVectors: 1 },
      objective: {
        name: 'joint',
        parameters: { text_dropout: true },
        lossWeight: proto.LossWeight.LOSS_WEIGHT_UNIFORM,
        minSnrGamma: 5,
      },
      optimizer: {
        name: 'adamw',
        learningRates: { t1: 0.2, t2: 0.05 },
        learningRateUnit: proto.LearningRateUnit.LEARNING_RATE_UNIT_RELATIVE,
        schedule: proto.Schedule.SCHEDULE_COSINE,
        scheduleSteps: 300,
        batchSize: 8,
        norm: proto.NormRule.NORM_RULE_VOCABULARY,
        emaDecay: 0.95,
      },
      data: { resize: proto.Resize.RESIZE_SQUASH, flipProbability: 0.5, templateLanguages: ['en'] },
      evaluation: { everySteps: 25, publish: proto.Publish.PUBLISH_AVERAGED, stopAtPlateau: false },
      samples: { everySteps: 50, seed: 7n, finalSeed: 1007n },
      maxSteps: 300,
      seed: 0n,
      packing: proto.Packing.PACKING_PACKED,
      checkpointEverySteps: 25,
    });
  });

  it('names the towers that begin as other words', () => {
    expect(sent({ initializer_t1: 'red train', num_vectors: 2 }).concept).toMatchObject({
      initializers: { t1: 'red train' },
      numVectors: 2,
    });
  });
});
