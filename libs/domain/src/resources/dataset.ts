import { z } from 'zod';
import { timeSchema } from './shared.js';

export const datasetImageSchema = z.object({
  hash: z.string(),
  name: z.string(),
  width: z.int(),
  height: z.int(),
  /** Its mask, a picture of the same proportions whose white part counts. */
  mask_hash: z.string().nullable(),
  /** With `{placeholder}` in it. */
  caption: z.string().nullable(),
});
export const datasetSchema = z.object({
  id: z.string(),
  name: z.string(),
  owner: z.string(),
  images: z.array(datasetImageSchema),
  created_at: timeSchema,
});

export type Dataset = z.output<typeof datasetSchema>;
export type DatasetImage = z.output<typeof datasetImageSchema>;
