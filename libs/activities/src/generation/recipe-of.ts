import { inputsOf, optionDefaultsOf } from '@murnau/domain';
import type { Embedding, GenerationRequest, Producer, Recipe, WorkerModel } from '@murnau/domain';

interface RecipeSource {
  readonly request: GenerationRequest;
  readonly embeddings: readonly Embedding[];
  readonly producer: Producer;
  /** As the worker described it. Undefined: its defaults are not known and stay unsaid. */
  readonly model: WorkerModel | undefined;
}

/** Defaults may change with the worker; what is written into a picture must not change with them. */
function completed(request: GenerationRequest, model: WorkerModel | undefined): GenerationRequest {
  const { preview_every_steps: _, ...rest } = request;
  if (model === undefined) return rest;
  const { image_size: side, sampling, family } = model;
  const keepsSize = request.task === 'inpaint' || request.task === 'img2img';
  return {
    ...optionDefaultsOf(family),
    ...(sampling !== null && sampling),
    ...(keepsSize ? {} : { width: side, height: side }),
    ...rest,
  };
}

/** The recipe of each picture of a request, by its seed. */
export function recipeOf({ request, embeddings, producer, model }: RecipeSource): (seed: number) => Recipe {
  const whole = completed(request, model);
  const { model_fingerprint: fingerprint, numeric_fingerprint, worker_version } = producer;
  return (seed) => ({
    recipe_version: 1,
    task: request.task,
    request: { ...whole, embedding_ids: embeddings.map(({ id }) => id), count: 1, seed },
    embeddings: embeddings.map(({ id, hash, placeholder_token }) => ({ id, hash, placeholder_token })),
    inputs: inputsOf(request),
    model: { name: request.model, fingerprint },
    numeric_fingerprint,
    worker_version,
  });
}
