import { MurnauError, toMurnauError } from '@murnau/domain';
import type { GpuClient } from '@murnau/gpu-client';
import type { Store } from '@murnau/store';
import { cancellationDetails, cancellationSignal } from '@temporalio/activity';
import type { ConversionResult, GenerationActivities, WordProblem } from '../activity-types.js';
import { classified } from '../failures.js';
import { keptAlive } from '../keep-alive.js';
import type { EmbeddingConversionInput, GenerationInput, TokenCheckInput } from '../workflow-inputs.js';
import { drawPictures } from './draw-pictures.js';

export interface GenerationDeps {
  readonly store: Pick<Store, 'blobs' | 'embeddings' | 'generations'>;
  readonly client: GpuClient;
  readonly isHealthy: () => boolean;
  readonly onSuspect: () => void;
}

async function convertEmbedding(
  { store, client }: GenerationDeps,
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
  { client }: GenerationDeps,
  { model, words }: TokenCheckInput,
): Promise<WordProblem[]> {
  const problems = await Promise.all(
    words.map(async (pair, index) =>
      (await client.checkTokens({ model, ...pair })).map((problem) => ({ index, ...problem })),
    ),
  );
  return problems.flat();
}

/** Sends a task back at once when the worker does not answer; a broken stream makes the dispatcher look at it. */
function onWorker<Input, Output>(
  deps: GenerationDeps,
  activity: (input: Input, report: (details: unknown) => void) => Promise<Output>,
): (input: Input) => Promise<Output> {
  const kept = keptAlive(activity);
  return classified(async (input) => {
    if (!deps.isHealthy()) throw new MurnauError('worker.unavailable', 'The worker does not answer.');
    try {
      return await kept(input);
    } catch (error) {
      if (cancellationDetails() !== undefined) {
        throw new MurnauError('worker.lost', 'The task was taken away.', { cause: error });
      }
      if (toMurnauError(error).code.startsWith('worker.')) deps.onSuspect();
      throw error;
    }
  });
}

export function createGenerationActivities(deps: GenerationDeps): GenerationActivities {
  return {
    generateImages: onWorker(deps, ({ generation_id }: GenerationInput, report) =>
      drawPictures(deps, generation_id, { signal: cancellationSignal(), report }),
    ),
    convertEmbedding: onWorker(deps, (input: EmbeddingConversionInput) => convertEmbedding(deps, input)),
    checkTokens: onWorker(deps, (input: TokenCheckInput) => checkTokens(deps, input)),
  };
}
