import type * as proto from '../gen/murnau/worker/v1/worker.js';
import type { GenerateEvent, GenerateStart } from '../types.js';

export function toProtoGenerateRequest(start: GenerateStart): proto.GenerateRequest {
  const { request } = start;
  return {
    generationId: start.generation_id,
    model: request.model,
    prompt: request.prompt,
    embeddings: start.embeddings.map((file) => ({ file: Buffer.from(file) })),
    count: request.count,
    seed: BigInt(request.seed),
    numSteps: request.num_steps,
    guidanceScale: request.guidance_scale,
    priorSteps: request.prior_steps,
    priorGuidanceScale: request.prior_guidance_scale,
    sampler: request.sampler,
    width: request.width,
    height: request.height,
    negativeDecoderPrompt: request.negative_decoder_prompt,
    negativePriorPrompt: request.negative_prior_prompt,
  };
}

/** @returns undefined for an event that this version does not know. */
export function toGenerateEvent({ event }: proto.GenerateResponse): GenerateEvent | undefined {
  if (event === undefined) return undefined;
  if (event.$case === 'progress') return { kind: 'progress', ...event.value };
  const { position, seed, png } = event.value;
  return { kind: 'image', position, seed: Number(seed), png };
}
