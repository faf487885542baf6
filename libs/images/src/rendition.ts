import { openPicture } from './sharp.js';

const renditionFormats = ['webp', 'avif', 'png', 'jpeg'] as const;
export type RenditionFormat = (typeof renditionFormats)[number];

interface RenditionOptions {
  /** Pixels. Absent, or more than the picture has: its own. */
  width?: number | undefined;
  format: RenditionFormat;
}

/** Up to this size a picture is looked at pixel by pixel: no lossy compression. */
const LOSSLESS_SIDE_PX = 128;
/** A WebP file has no longer side. */
const LONGEST_SIDE_PX = 16_383;

export async function rendition(bytes: Uint8Array, { width, format }: RenditionOptions): Promise<Buffer> {
  const { width: ownWidth, height: ownHeight } = (await openPicture(bytes).metadata()).autoOrient;
  const isSmall = Math.min(width ?? ownWidth, ownWidth) <= LOSSLESS_SIDE_PX;
  const picture = openPicture(bytes).autoOrient();
  const wanted = Math.min(width ?? ownWidth, ownWidth);
  if (wanted < ownWidth || Math.max(ownWidth, ownHeight) > LONGEST_SIDE_PX) {
    picture.resize({ width: Math.min(wanted, LONGEST_SIDE_PX), height: LONGEST_SIDE_PX, fit: 'inside' });
  }
  if (format === 'webp') picture.webp(isSmall ? { lossless: true } : { quality: 88 });
  else if (format === 'avif')
    picture.avif(isSmall ? { lossless: true, effort: 3 } : { quality: 65, effort: 3 });
  else if (format === 'jpeg') picture.flatten({ background: '#ffffff' }).jpeg({ quality: 90, mozjpeg: true });
  else picture.png({ compressionLevel: 9 });
  return picture.toBuffer();
}
