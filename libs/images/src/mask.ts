import { MurnauError } from '@murnau/domain';
import { checkPicture } from './check-picture.js';
import { openPicture, sharp } from './sharp.js';

/** From this grey on a mask's pixel keeps the picture; below, it is drawn anew. */
const KEEP_FROM = 128;

interface IngestedMask {
  /** PNG, 8-bit grey, upright, the size of what was given: 255 keeps, 0 repaints. */
  content: Buffer;
  media_type: 'image/png';
  width: number;
  height: number;
  /** Share of the pixels that are drawn anew, 0..1. */
  repainted: number;
}

/**
 * Makes a mask of any picture: what is dark or transparent is drawn anew. A mask that was made here stays as it is,
 * byte for byte.
 * @throws as `checkPicture`
 */
export async function ingestMask(bytes: Uint8Array, { name }: { name: string }): Promise<IngestedMask> {
  await checkPicture(bytes, { name });
  const { data, info } = await openPicture(bytes)
    .autoOrient()
    .flatten({ background: '#000000' })
    .toColourspace('b-w')
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const grey = Buffer.alloc(width * height);
  let repainted = 0;
  for (let index = 0; index < grey.length; index += 1) {
    const keeps = (data[index * channels] ?? 0) >= KEEP_FROM;
    grey[index] = keeps ? 255 : 0;
    if (!keeps) repainted += 1;
  }
  const content = await sharp(grey, { raw: { width, height, channels: 1 } })
    .toColourspace('b-w')
    .png({ compressionLevel: 9 })
    .toBuffer();
  return { content, media_type: 'image/png', width, height, repainted: repainted / grey.length };
}

/**
 * Refuses a mask that does not fit its picture or would change nothing.
 * @throws `mask.wrong_size`, `mask.empty`
 */
export function checkMask(
  mask: Pick<IngestedMask, 'width' | 'height' | 'repainted'>,
  picture: { readonly width: number; readonly height: number },
  field: string,
): void {
  const given = `${mask.width}×${mask.height}`;
  const wanted = `${picture.width}×${picture.height}`;
  if (given !== wanted) {
    throw new MurnauError('mask.wrong_size', `The mask is ${given} pixels, its picture ${wanted}.`, {
      field,
      given,
      allowed: wanted,
    });
  }
  if (mask.repainted > 0) return;
  throw new MurnauError(
    'mask.empty',
    'The mask keeps the whole picture: nothing of it is black or transparent.',
    {
      field,
      given: 'no pixel to repaint',
      allowed: 'black (below 128) or transparent where the picture is to be drawn anew',
    },
  );
}
