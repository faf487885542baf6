import { MurnauError, toMurnauError } from '@murnau/domain';
import type { Generation } from '@murnau/domain';
import type { GpuClient } from '@murnau/gpu-client';
import type { Store } from '@murnau/store';
import { cancellationDetails, cancellationSignal } from '@temporalio/activity';
import type { ConversionResult, GenerationActivities, WordProblem } from '../activity-types.js';
import { classified } from '../failures.js';
import { keptAlive } from '../keep-alive.js';
import type { EmbeddingConversionInput, GenerationInput, TokenCheckInput } from '../workflow-inputs.js';

export interface GenerationDeps {
  readonly store: Pick<Store, 'blobs' | 'embeddings' | 'generations'>;
  readonly client: GpuClient;
  readonly isHealthy: () => boolean;
  readonly onSuspect: () => void;
}

/** Between two writes of the progress, in milliseconds. */
const progressIntervalMs = 500;

/** Files of the embeddings that a request names, or else the newest of each learnt word in its prompts. */
async function embeddingFiles(store: GenerationDeps['store'], { request }: Generation): Promise<Buffer[]> {
  const { embedding_ids: ids, model } = request;
  const words = `${request.prompt} ${request.negative_decoder_prompt} ${request.negative_prior_prompt}`
    .toLowerCase()
    .match(/[a-z]+/g);
  const embeddings =
    ids === undefined
      ? await store.embeddings.newest(model, [...new Set(words)])
      : await store.embeddings.getMany(ids);
  const missing = ids?.find((id) => !embeddings.some((embedding) => embedding.id === id));
  if (missing !== undefined)
    throw new MurnauError('embedding.not_found', `There is no embedding ${missing}.`);
  return Promise.all(embeddings.map(({ hash }) => store.blobs.get(hash)));
}

async function generateImages(
  { store, client }: GenerationDeps,
  generationId: string,
  report: (details: unknown) => void,
): Promise<{ images: number }> {
  const generation = await store.generations.get(generationId);
  if (!['queued', 'running'].includes(generation.phase)) return { images: generation.images.length };
  const embeddings = await embeddingFiles(store, generation);
  await store.generations.setProgress(generationId, generation.progress);
  let writtenMs = Date.now();
  let images = 0;
  const { request } = generation;
  const stream = client.generate(
    { generation_id: generationId, request, embeddings },
    { signal: cancellationSignal() },
  );
  for await (const event of stream) {
    report(event.kind === 'progress' ? event : { images });
    if (event.kind === 'image') {
      const { hash } = await store.blobs.put(event.png, 'image/png');
      await store.generations.recordImage(generationId, { position: event.position, seed: event.seed, hash });
      images += 1;
    } else if (event.steps > 0 && Date.now() - writtenMs > progressIntervalMs) {
      writtenMs = Date.now();
      await store.generations.setProgress(generationId, Math.min(1, event.step / event.steps));
    }
  }
  if (images < request.count)
    throw new MurnauError('worker.lost', 'The worker ended before the last picture.');
  await store.generations.end(generationId, { phase: 'finished' });
  return { images };
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
      generateImages(deps, generation_id, report),
    ),
    convertEmbedding: onWorker(deps, (input: EmbeddingConversionInput) => convertEmbedding(deps, input)),
    checkTokens: onWorker(deps, (input: TokenCheckInput) => checkTokens(deps, input)),
  };
}
