import type {
  ConversionResult,
  EmbeddingConversionInput,
  TextActivities,
  TokenCheckInput,
  WordProblem,
} from '@murnau/contracts';
import pMap from 'p-map';
import type { WorkerDeps } from '../on-worker.js';
import { onWorker } from '../on-worker.js';

/** Calls of one check at once. */
const concurrency = 8;

async function convertEmbedding(
  { store, client }: WorkerDeps,
  input: EmbeddingConversionInput,
): Promise<ConversionResult> {
  const { file, ...rest } = await client.convertEmbedding({
    file: await store.blobs.get(input.file_hash),
    to_format: input.to_format,
    model: input.model,
    placeholder_token: input.placeholder_token,
  });
  const { hash, size_bytes } = await store.blobs.put(file, 'application/octet-stream');
  return { hash, size_bytes, ...rest };
}

async function checkTokens(
  { client }: WorkerDeps,
  { model, words }: TokenCheckInput,
): Promise<WordProblem[]> {
  const problems = await pMap(
    words,
    async (pair, index) =>
      (await client.checkTokens({ model, ...pair })).map((problem) => ({ index, ...problem })),
    { concurrency },
  );
  return problems.flat();
}

export function createTextActivities(deps: WorkerDeps): TextActivities {
  return {
    convertEmbedding: onWorker(deps, (input: EmbeddingConversionInput) => convertEmbedding(deps, input)),
    checkTokens: onWorker(deps, (input: TokenCheckInput) => checkTokens(deps, input)),
  };
}
