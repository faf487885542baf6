import { familyOptionsOf } from '@murnau/domain';
import type { GenerationRequest } from '@murnau/domain';
import type * as proto from '../gen/murnau/worker/v1/worker.js';
import type { DrawEvent, DrawStart } from '../types.js';

/** Of one task: a request of its own and what all tasks share. */
export type DrawRequest =
  | { readonly task: 'text2img'; readonly request: proto.TextToImageRequest }
  | { readonly task: 'fuse'; readonly request: proto.FuseRequest }
  | { readonly task: 'inpaint'; readonly request: proto.InpaintRequest }
  | { readonly task: 'img2img'; readonly request: proto.ImageToImageRequest };

/** In the protocol 0 and the empty text mean the model's default. */
function toProtoOptions({ generation_id, request, embeddings }: DrawStart): proto.DrawOptions {
  return {
    generationId: generation_id,
    model: request.model,
    embeddings: embeddings.map((file) => ({ file: Buffer.from(file) })),
    count: request.count,
    seed: BigInt(request.seed),
    numSteps: request.num_steps ?? 0,
    guidanceScale: request.guidance_scale ?? 0,
    sampler: request.sampler,
    ddimEta: request.ddim_eta ?? 0,
    width: request.width ?? 0,
    height: request.height ?? 0,
    familyOptions: familyOptionsOf(request),
    previewEverySteps: request.preview_every_steps ?? 0,
  };
}

type Items = Extract<GenerationRequest, { task: 'fuse' }>['items'];

const toProtoItems = (items: Items): proto.FuseItem[] =>
  items.map(({ text, image = '', weight }) => ({
    content: text === undefined ? { $case: 'imageHash', value: image } : { $case: 'text', value: text },
    weight,
  }));

export function toDrawRequest(start: DrawStart): DrawRequest {
  const { request } = start;
  const options = toProtoOptions(start);
  switch (request.task) {
    case 'text2img':
      return { task: 'text2img', request: { options, prompt: request.prompt } };
    case 'fuse':
      return { task: 'fuse', request: { options, items: toProtoItems(request.items) } };
    case 'inpaint': {
      const { prompt, image, mask } = request;
      return { task: 'inpaint', request: { options, prompt, imageHash: image, maskHash: mask } };
    }
    case 'img2img': {
      const { prompt, image, strength } = request;
      return { task: 'img2img', request: { options, prompt, imageHash: image, strength } };
    }
  }
}

const toImage = ({ position, seed, png }: proto.DrawnImage) => ({ position, seed: Number(seed), png });

/** @returns undefined for an event that this version does not know. */
export function toDrawEvent(drawn: proto.DrawEvent | undefined): DrawEvent | undefined {
  const event = drawn?.event;
  switch (event?.$case) {
    case 'started': {
      const { modelFingerprint, numericFingerprint, workerVersion } = event.value;
      return {
        kind: 'started',
        model_fingerprint: modelFingerprint,
        numeric_fingerprint: numericFingerprint,
        worker_version: workerVersion,
      };
    }
    case 'progress':
      return { kind: 'progress', ...event.value };
    case 'notice':
      return { kind: 'notice', message: event.value.message };
    case 'preview':
      return { kind: 'preview', ...toImage(event.value) };
    case 'image':
      return { kind: 'image', ...toImage(event.value) };
    default:
      return undefined;
  }
}
