import { familyNames, familyTable, samplingDefaultsSchema } from '@murnau/domain';
import type { CallContext } from 'nice-grpc';
import { ServerError, type Status } from 'nice-grpc';
import * as proto from '../gen/murnau/worker/v1/worker.js';

/** What the fake worker says of itself and of the model it serves. */
export const fingerprint = 'f'.repeat(64);
export const numericFingerprint = 'fake';
export const workerVersion = '0.0.0';

const [family] = familyNames;
const { tasks = [], towers = [], parts = [], options = {} } = familyTable[family] ?? {};
export const allTasks = tasks;

/** Any value for each option whose default is a model's own. */
const drawingDefaults = {
  ...Object.fromEntries(
    Object.keys(samplingDefaultsSchema.shape).flatMap((name) => {
      const option = options[name];
      return option === undefined ? [] : [[name, option.type === 'string' ? '3' : 2] as const];
    }),
  ),
  num_steps: 5,
  guidance_scale: 4,
};

export function modelOf(name: string, tasksOfFiles: readonly string[]): proto.Model {
  return {
    name,
    family,
    fingerprint,
    imageSize: 64,
    towers: towers.map((tower, index) => ({ name: tower.name, width: 64 - 16 * index, vocabularyRms: 1 })),
    loaded: true,
    judge: '',
    drawingDefaults,
    parts: parts.map((part, index) => ({
      name: part.name,
      loaded: index === parts.length - 1,
      sizeBytes: 1_000_000n,
    })),
    tasks: [...tasksOfFiles],
    dtype: 'float32',
  };
}

/** An error as a real worker sends it. */
export function refusal(context: CallContext, status: Status, code: string, message: string): ServerError {
  const detail = proto.ErrorDetail.encode({ code, message, field: '', given: '', allowed: '' }).finish();
  context.trailer.set('murnau-error-bin', detail);
  return new ServerError(status, message);
}
