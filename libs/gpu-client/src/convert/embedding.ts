import type { Embedding } from '@murnau/domain';
import { embeddingSchema } from '@murnau/domain';
import type * as proto from '../gen/murnau/worker/v1/worker.js';
import type { ConvertedEmbedding, ConvertEmbeddingInput } from '../types.js';

export function toProtoConvertRequest(input: ConvertEmbeddingInput): proto.ConvertEmbeddingRequest {
  return {
    file: Buffer.from(input.file),
    fromFormat: input.from_format ?? '',
    toFormat: input.to_format,
    model: input.model ?? '',
    placeholderToken: input.placeholder_token ?? '',
  };
}

/** One that this version does not know is none. */
const toPooling = (text: string): Embedding['pooling'] =>
  embeddingSchema.shape.pooling.safeParse(text).data ?? null;

export function toConvertedEmbedding(response: proto.ConvertEmbeddingResponse): ConvertedEmbedding {
  return {
    file: response.file,
    placeholder_token: response.placeholderToken,
    initializer_token: response.initializerToken === '' ? null : response.initializerToken,
    num_vectors: response.numVectors,
    pooling: toPooling(response.pooling),
    step: response.step,
  };
}
