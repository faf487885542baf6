import { drawsTogether, inputsOf, isEnded, MurnauError, wordsOf } from '@murnau/domain';
import type { Embedding, Generation, GenerationPhase, Recipe } from '@murnau/domain';
import type { DrawEvent, GpuClient } from '@murnau/gpu-client';
import { writeRecipe } from '@murnau/images';
import type { Store } from '@murnau/store';
import { recipeOf } from './recipe-of.js';

interface DrawingDeps {
  readonly store: Pick<Store, 'blobs' | 'embeddings' | 'generations'>;
  readonly client: Pick<GpuClient, 'describe' | 'draw' | 'ensureBlobs'>;
}

interface DrawingControl {
  readonly signal: AbortSignal;
  /** Details of the next heartbeat. */
  readonly report: (details: unknown) => void;
}

/** Between two writes of the progress, or of a preview, in milliseconds. */
const writeIntervalMs = 500;

/** Embeddings that a request names, or else the newest of each learnt word in its texts. */
async function embeddingsOf(
  { embeddings }: DrawingDeps['store'],
  { request }: Generation,
): Promise<Embedding[]> {
  const { embedding_ids: ids, model } = request;
  if (ids === undefined) return embeddings.newest(model, wordsOf(request));
  const found = await embeddings.getMany(ids);
  const missing = ids.find((id) => !found.some((embedding) => embedding.id === id));
  if (missing === undefined) return found;
  throw new MurnauError('embedding.not_found', `There is no embedding ${missing}.`, { given: missing });
}

interface Span {
  readonly first: number;
  readonly count: number;
}

/**
 * From the first to the last picture that is not stored yet: a picture depends on its own seed only, so an attempt
 * after a lost worker need not draw the others again. An option of the family may make it depend on its neighbours.
 */
export function missingSpan(
  { request, images }: Pick<Generation, 'request' | 'images'>,
  family: string | undefined,
): Span {
  const stored = new Set(images.map(({ position }) => position));
  const missing = Array.from({ length: request.count }, (_, position) => position).filter(
    (position) => !stored.has(position),
  );
  const [first = request.count] = missing;
  if (first === request.count) return { first, count: 0 };
  if (drawsTogether(request, family)) return { first: 0, count: request.count };
  return { first, count: (missing.at(-1) ?? first) - first + 1 };
}

function doing({ phase, detail, step, steps }: Extract<DrawEvent, { kind: 'progress' }>): string {
  if (steps > 0) return `step ${step} of ${steps}`;
  return detail === '' ? phase : `${phase} ${detail}`;
}

/** Writes what the worker tells of one generation. */
class Recorder {
  private writtenMs = Date.now();
  private previewMs = 0;
  private lastDoing = '';
  private makeRecipe: ((seed: number) => Recipe) | undefined;
  /** Pictures stored by this attempt. */
  images = 0;

  constructor(
    private readonly deps: DrawingDeps,
    private readonly generation: Generation,
    private readonly embeddings: readonly Embedding[],
    private readonly span: Span,
  ) {}

  async take(event: DrawEvent): Promise<void> {
    const { blobs, generations } = this.deps.store;
    const { id } = this.generation;
    switch (event.kind) {
      case 'started':
        return this.started(event);
      case 'notice':
        return generations.addNotice(id, event.message);
      case 'progress':
        return this.progress(event);
      case 'preview': {
        if (Date.now() - this.previewMs < writeIntervalMs) return;
        this.previewMs = Date.now();
        const { hash } = await blobs.put(event.png, 'image/png');
        return generations.setPreview(id, this.placed(event, hash));
      }
      case 'image': {
        if (this.makeRecipe === undefined) {
          throw new MurnauError('internal', 'The worker sent a picture before it had begun.');
        }
        const png = writeRecipe(event.png, this.makeRecipe(event.seed));
        const { hash } = await blobs.put(png, 'image/png');
        this.images += 1;
        return generations.recordImage(id, this.placed(event, hash));
      }
    }
  }

  private placed({ position, seed }: { position: number; seed: number }, hash: string) {
    return { position: this.span.first + position, seed, hash };
  }

  private async started({ kind: _, ...producer }: Extract<DrawEvent, { kind: 'started' }>): Promise<void> {
    const { request, id } = this.generation;
    const { models } = await this.deps.client.describe();
    const model = models.find(({ name }) => name === request.model);
    this.makeRecipe = recipeOf({ request, embeddings: this.embeddings, producer, model });
    await this.deps.store.generations.recordProducer(id, producer);
  }

  private async progress(event: Extract<DrawEvent, { kind: 'progress' }>): Promise<void> {
    const text = doing(event);
    const isNewPhase = event.steps === 0 && text !== this.lastDoing;
    if (!isNewPhase && Date.now() - this.writtenMs < writeIntervalMs) return;
    this.writtenMs = Date.now();
    this.lastDoing = text;
    const { id, request } = this.generation;
    const share = event.steps === 0 ? 0 : event.step / event.steps;
    const done = this.span.first + share * this.span.count;
    await this.deps.store.generations.setProgress(id, Math.min(1, done / request.count), text);
  }
}

/** Draws what is missing of a generation and ends it. Doing it again changes nothing. */
export async function drawPictures(
  deps: DrawingDeps,
  generationId: string,
  { signal, report }: DrawingControl,
): Promise<{ images: number; phase: GenerationPhase }> {
  const { store, client } = deps;
  const generation = await store.generations.get(generationId);
  const { request, images } = generation;
  if (isEnded(generation.phase)) return { images: images.length, phase: generation.phase };
  const { models } = await client.describe();
  const span = missingSpan(generation, models.find(({ name }) => name === request.model)?.family);
  if (span.count > 0) {
    await store.generations.setProgress(generationId, generation.progress);
    const embeddings = await embeddingsOf(store, generation);
    const files = await Promise.all(embeddings.map(({ hash }) => store.blobs.get(hash)));
    const inputs = inputsOf(request).map(({ hash }) => hash);
    if (inputs.length > 0) await client.ensureBlobs(inputs, (hash) => store.blobs.get(hash), { signal });
    const recorder = new Recorder(deps, generation, embeddings, span);
    const part = { ...request, seed: request.seed + span.first, count: span.count };
    const drawing = { generation_id: generationId, request: part, embeddings: files };
    for await (const event of client.draw(drawing, { signal })) {
      report(event.kind === 'progress' ? event : { images: recorder.images });
      await recorder.take(event);
    }
    if (recorder.images < span.count) {
      throw new MurnauError('internal', 'The worker ended before the last picture.');
    }
  }
  const { phase } = await store.generations.end(generationId, { phase: 'finished' });
  return { images: request.count, phase };
}
