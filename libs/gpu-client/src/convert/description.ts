import { samplingDefaultsSchema } from '@murnau/domain';
import type { WorkerModel } from '@murnau/domain';
import type * as proto from '../gen/murnau/worker/v1/worker.js';
import type { WorkerDescription } from '../types.js';

/** A model that leaves out a default, or has none, has none that are known. */
const toSampling = (defaults: proto.Model['drawingDefaults']): WorkerModel['sampling'] =>
  samplingDefaultsSchema.safeParse(defaults).data ?? null;

const toTower = ({ name, width, vocabularyRms }: proto.TextTower): WorkerModel['towers'][number] => ({
  name,
  width,
  ...(vocabularyRms === 0 ? {} : { vocabulary_rms: vocabularyRms }),
});

function toModel(model: proto.Model): WorkerModel {
  return {
    name: model.name,
    family: model.family,
    fingerprint: model.fingerprint,
    image_size: model.imageSize,
    towers: model.towers.map(toTower),
    loaded: model.loaded,
    judge: model.judge,
    dtype: model.dtype,
    tasks: model.tasks,
    parts: model.parts.map(({ name, loaded, sizeBytes }) => ({
      name,
      loaded,
      size_bytes: Number(sizeBytes),
    })),
    sampling: toSampling(model.drawingDefaults),
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
