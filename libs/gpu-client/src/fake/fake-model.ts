import type { CallContext } from 'nice-grpc';
import { ServerError, type Status } from 'nice-grpc';
import * as proto from '../gen/murnau/worker/v1/worker.js';

/** What the fake worker says of itself and of the model it serves. */
export const fingerprint = 'f'.repeat(64);
export const numericFingerprint = 'fake';
export const workerVersion = '0.0.0';

export const allTasks = ['train', 'text2img', 'fuse', 'inpaint', 'img2img'];
const parts = ['text_encoder', 'clip_text', 'clip_image', 'prior', 'unet', 'inpaint_unet', 'movq'];

export function modelOf(name: string, tasks: readonly string[]): proto.Model {
  return {
    name,
    family: 'kandinsky-2.1',
    fingerprint,
    imageSize: 64,
    widthT1: 64,
    widthT2: 48,
    loaded: true,
    judge: '',
    sampling: { numSteps: 5, guidanceScale: 4, priorSteps: '3', priorGuidanceScale: 2 },
    vocabularyRmsT1: 1,
    vocabularyRmsT2: 1,
    parts: parts.map((part) => ({ name: part, loaded: part === 'unet', sizeBytes: 1_000_000n })),
    tasks: [...tasks],
    dtype: 'float32',
  };
}

/** An error as a real worker sends it. */
export function refusal(context: CallContext, status: Status, code: string, message: string): ServerError {
  const detail = proto.ErrorDetail.encode({ code, message, field: '', given: '', allowed: '' }).finish();
  context.trailer.set('murnau-error-bin', detail);
  return new ServerError(status, message);
}
