import { z } from 'zod';

export const blobSchema = z.object({
  /** SHA-256, lower-case hex. */
  hash: z.string(),
  size_bytes: z.int(),
  media_type: z.string(),
});

export const imageBlobSchema = blobSchema.extend({ width: z.int(), height: z.int() });

export type Blob = z.output<typeof blobSchema>;
export type ImageBlob = z.output<typeof imageBlobSchema>;
