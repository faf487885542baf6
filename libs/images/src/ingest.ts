import { type CheckedPicture, checkPicture } from './check-picture.js';
import { openPicture } from './sharp.js';

export interface IngestedPicture {
  /** The file as it was given, unless readers could see it differently: then an upright, opaque sRGB PNG. */
  content: Uint8Array;
  media_type: string;
  width: number;
  height: number;
}

/** Checks a picture and makes it one that every reader sees alike; see `checkPicture` for what is refused. */
export async function ingest(bytes: Uint8Array, { name }: { name: string }): Promise<IngestedPicture> {
  const { needs_conversion, media_type, width, height }: CheckedPicture = await checkPicture(bytes, { name });
  if (!needs_conversion) return { content: bytes, media_type, width, height };
  const content = await openPicture(bytes)
    .autoOrient()
    .flatten({ background: '#ffffff' })
    .toColourspace('srgb')
    .png({ compressionLevel: 9 })
    .toBuffer();
  return { content, media_type: 'image/png', width, height };
}

/** Size and type of a picture that was checked before. */
export async function probe(
  bytes: Uint8Array,
): Promise<{ media_type: string; width: number; height: number }> {
  const { format, autoOrient } = await openPicture(bytes).metadata();
  return { media_type: `image/${format === 'heif' ? 'avif' : format}`, ...autoOrient };
}
