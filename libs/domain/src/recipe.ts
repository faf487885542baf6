import { z } from 'zod';
import { blobHashSchema, drawingTasks, generationRequestSchema } from './generation-request.js';

/** What drew a picture: equal values and an equal request give the same picture, to floating-point noise. */
export const producerSchema = z.object({
  model_fingerprint: z.string(),
  numeric_fingerprint: z.string(),
  worker_version: z.string(),
});
export type Producer = z.output<typeof producerSchema>;

/** How one picture was made, as it stands in the picture's own metadata. */
export const recipeSchema = z.object({
  recipe_version: z.literal(1),
  task: z.enum(drawingTasks),
  /** Complete: the model's defaults are written out, `count` is 1 and `seed` is this picture's. */
  request: generationRequestSchema,
  /** Learnt embeddings in use; the request names them by id. */
  embeddings: z.array(z.object({ id: z.string(), hash: blobHashSchema, placeholder_token: z.string() })),
  /** Pictures and masks in use; the request names them by hash. */
  inputs: z.array(z.object({ field: z.string(), hash: blobHashSchema })),
  model: z.object({ name: z.string(), fingerprint: z.string() }),
  numeric_fingerprint: z.string(),
  worker_version: z.string(),
});
export type Recipe = z.output<typeof recipeSchema>;
