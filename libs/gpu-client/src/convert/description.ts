import type { WorkerModel } from '@murnau/domain';
import type * as proto from '../gen/murnau/worker/v1/worker.js';
import type { WorkerDescription } from '../types.js';

const toSampling = (sampling: proto.SamplingDefaults): NonNullable<WorkerModel['sampling']> => ({
  num_steps: sampling.numSteps,
  guidance_scale: sampling.guidanceScale,
  prior_steps: sampling.priorSteps,
  prior_guidance_scale: sampling.priorGuidanceScale,
});

function toModel(model: proto.Model): WorkerModel {
  return {
    name: model.name,
    family: model.family,
    fingerprint: model.fingerprint,
    image_size: model.imageSize,
    width_t1: model.widthT1,
    width_t2: model.widthT2,
    loaded: model.loaded,
    judge: model.judge,
    dtype: model.dtype,
    tasks: model.tasks,
    parts: model.parts.map(({ name, loaded, sizeBytes }) => ({
      name,
      loaded,
      size_bytes: Number(sizeBytes),
    })),
    sampling: model.sampling === undefined ? null : toSampling(model.sampling),
  };
}

export function toDescription(response: proto.DescribeResponse): WorkerDescription {
  return {
    worker_version: response.workerVersion,
    device: {
      kind: response.device?.kind ?? 'unknown',
      name: response.device?.name ?? '',
      memory_bytes: Number(response.device?.memoryBytes ?? 0n),
      memory_used_bytes: Number(response.device?.memoryUsedBytes ?? 0n),
      threads: response.device?.threads ?? 0,
    },
    models: response.models.map(toModel),
    slots: response.slots,
    running: response.running,
    generating: response.generating,
    steps_per_second: response.stepsPerSecond,
    progress_age_s: response.progressAgeS,
    incarnation: response.incarnation,
    numeric_fingerprint: response.numericFingerprint,
  };
}
