import { MurnauError } from '@murnau/domain';
import type { Metadata } from 'sharp';
import { LARGEST_PX, openPicture } from './sharp.js';

/** Smallest side of a picture to learn from. */
const SMALLEST_SIDE_PX = 32;
const MEDIA_TYPES: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpeg: 'image/jpeg',
  webp: 'image/webp',
};
const ALLOWED = 'PNG, JPEG or WebP';

export interface CheckedPicture {
  media_type: string;
  /** After its orientation is applied. */
  width: number;
  height: number;
  /** Not upright, transparent, animated, or not 8-bit sRGB: a reader may see it differently. */
  needs_conversion: boolean;
}

/**
 * Refuses what is not a whole picture that can be learnt from.
 * @param name the file's name, for the message
 * @throws `image.unreadable`, `image.too_small`, `image.too_large`, each naming the file
 */
export async function checkPicture(bytes: Uint8Array, { name }: { name: string }): Promise<CheckedPicture> {
  const metadata = await readMetadata(bytes, name);
  const { width, height } = metadata.autoOrient;
  const mediaType = MEDIA_TYPES[metadata.format];
  if (mediaType === undefined) {
    throw new MurnauError(
      'image.unreadable',
      `${name} is ${metadata.format.toUpperCase()}; pictures must be ${ALLOWED}.`,
      {
        field: name,
        given: metadata.format,
        allowed: ALLOWED,
      },
    );
  }
  const size = `${width}×${height}`;
  if (Math.min(width, height) < SMALLEST_SIDE_PX) {
    throw new MurnauError(
      'image.too_small',
      `${name} is ${size} pixels; each side must have at least ${SMALLEST_SIDE_PX}.`,
      {
        field: name,
        given: size,
        allowed: `at least ${SMALLEST_SIDE_PX} pixels on each side`,
      },
    );
  }
  if (width * height > LARGEST_PX) {
    throw new MurnauError('image.too_large', `${name} is ${size} pixels; at most 64 megapixels are taken.`, {
      field: name,
      given: size,
      allowed: 'at most 64 megapixels',
    });
  }
  await decodeWhole(bytes, name);
  return { media_type: mediaType, width, height, needs_conversion: needsConversion(metadata) };
}

async function readMetadata(bytes: Uint8Array, name: string): Promise<Metadata> {
  try {
    return await openPicture(bytes, { limitInputPixels: false }).metadata();
  } catch (cause) {
    throw new MurnauError('image.unreadable', `${name} is not a picture: it is no ${ALLOWED} file.`, {
      field: name,
      given: bytes.byteLength === 0 ? 'an empty file' : `${bytes.byteLength} bytes that are no picture`,
      allowed: ALLOWED,
      cause,
    });
  }
}

/** A header proves nothing: every pixel is decoded, a row at a time, and thrown away. */
async function decodeWhole(bytes: Uint8Array, name: string): Promise<void> {
  try {
    await openPicture(bytes, { sequentialRead: true })
      .resize(1, 1, { fit: 'fill', fastShrinkOnLoad: false })
      .raw()
      .toBuffer();
  } catch (cause) {
    throw new MurnauError('image.unreadable', `${name} is damaged: it ends early or cannot be decoded.`, {
      field: name,
      given: (cause as Error).message.slice(0, 120),
      allowed: `a whole ${ALLOWED} file`,
      cause,
    });
  }
}

function needsConversion({ orientation = 1, hasAlpha, pages = 1, space, depth }: Metadata): boolean {
  return orientation !== 1 || hasAlpha || pages > 1 || space !== 'srgb' || depth !== 'uchar';
}
