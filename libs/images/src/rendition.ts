import { sharp } from './sharp.js';

const renditionFormats = ['webp', 'avif', 'png', 'jpeg'] as const;
export type RenditionFormat = (typeof renditionFormats)[number];

interface RenditionOptions {
  /** Pixels. Absent, or more than the picture has: its own. */
  width?: number | undefined;
  format: RenditionFormat;
}

/** Up to this size a picture is looked at pixel by pixel: no lossy compression. */
const LOSSLESS_SIDE_PX = 128;

export async function rendition(bytes: Uint8Array, { width, format }: RenditionOptions): Promise<Buffer> {
  const { width: ownWidth } = (await sharp(bytes).metadata()).autoOrient;
  const isSmall = Math.min(width ?? ownWidth, ownWidth) <= LOSSLESS_SIDE_PX;
  const picture = sharp(bytes).autoOrient();
  if (width !== undefined && width < ownWidth) picture.resize({ width });
  if (format === 'webp') picture.webp(isSmall ? { lossless: true } : { quality: 88 });
  else if (format === 'avif')
    picture.avif(isSmall ? { lossless: true, effort: 3 } : { quality: 65, effort: 3 });
  else if (format === 'jpeg') picture.flatten({ background: '#ffffff' }).jpeg({ quality: 90, mozjpeg: true });
  else picture.png({ compressionLevel: 9 });
  return picture.toBuffer();
}
