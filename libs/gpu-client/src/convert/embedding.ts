import type { EmbeddingFormat } from '@murnau/domain';
import * as proto from '../gen/murnau/worker/v1/worker.js';
import type { ConvertedEmbedding, ConvertEmbeddingInput } from '../types.js';

const formats: Record<EmbeddingFormat, proto.EmbeddingFormat> = {
  safetensors: proto.EmbeddingFormat.EMBEDDING_FORMAT_SAFETENSORS,
  bin: proto.EmbeddingFormat.EMBEDDING_FORMAT_REFERENCE_BIN,
  diffusers_t1: proto.EmbeddingFormat.EMBEDDING_FORMAT_DIFFUSERS_T1,
  diffusers_t2: proto.EmbeddingFormat.EMBEDDING_FORMAT_DIFFUSERS_T2,
};

export function toProtoConvertRequest(input: ConvertEmbeddingInput): proto.ConvertEmbeddingRequest {
  return {
    file: Buffer.from(input.file),
    fromFormat:
      input.from_format === undefined
        ? proto.EmbeddingFormat.EMBEDDING_FORMAT_UNSPECIFIED
        : formats[input.from_format],
    toFormat: formats[input.to_format],
    model: input.model ?? '',
    placeholderToken: input.placeholder_token ?? '',
  };
}

export function toConvertedEmbedding(response: proto.ConvertEmbeddingResponse): ConvertedEmbedding {
  return {
    file: response.file,
    placeholder_token: response.placeholderToken,
    initializer_token: response.initializerToken === '' ? null : response.initializerToken,
    num_vectors: response.numVectors,
    pooling: response.pooling === proto.Pooling.POOLING_ARGMAX ? 'argmax' : 'eot',
    step: response.step,
  };
}
