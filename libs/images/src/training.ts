import { MurnauError } from '@murnau/domain';
import { checkPicture } from './check-picture.js';
import { ingest, type IngestedPicture } from './ingest.js';
import { openPicture } from './sharp.js';

/** As `ingest`, but what is transparent stays so: a run may leave it out of its loss. */
export async function ingestTrainingPicture(
  bytes: Uint8Array,
  { name }: { name: string },
): Promise<IngestedPicture> {
  await checkPicture(bytes, { name });
  if (!(await isTransparent(bytes))) return ingest(bytes, { name });
  const { data, info } = await openPicture(bytes)
    .autoOrient()
    .toColourspace('srgb')
    .png({ compressionLevel: 9 })
    .toBuffer({ resolveWithObject: true });
  return { content: data, media_type: 'image/png', width: info.width, height: info.height };
}

/** Whether any of a picture lets its ground through. */
export async function isTransparent(bytes: Uint8Array): Promise<boolean> {
  const { hasAlpha } = await openPicture(bytes).metadata();
  return hasAlpha && !(await openPicture(bytes).stats()).isOpaque;
}

/**
 * Makes a mask of a loss of any picture: 8-bit grey PNG, upright, what is transparent black. White counts.
 * @throws as `checkPicture`, and `mask.all_black`
 */
export async function ingestLossMask(
  bytes: Uint8Array,
  { name }: { name: string },
): Promise<IngestedPicture> {
  await checkPicture(bytes, { name });
  const grey = openPicture(bytes).autoOrient().flatten({ background: '#000000' }).toColourspace('b-w');
  const { data, info } = await grey.png({ compressionLevel: 9 }).toBuffer({ resolveWithObject: true });
  const { channels } = await openPicture(data).stats();
  if ((channels[0]?.max ?? 0) === 0) {
    throw new MurnauError(
      'mask.all_black',
      `${name} is black all over: nothing of its picture would count.`,
      {
        field: name,
        given: 'no pixel above black',
        allowed: 'white where the loss is to look',
      },
    );
  }
  return { content: data, media_type: 'image/png', width: info.width, height: info.height };
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * Refuses a mask of other proportions than its picture's. It may be smaller or larger; a side may be a pixel off, as
 * rounding leaves it.
 * @throws `mask.wrong_size`
 */
export function checkProportions(mask: Size, picture: Size, names: { mask: string; picture: string }): void {
  const isOff = (side: number, wanted: number): boolean => Math.abs(side - wanted) > 1;
  if (
    !isOff(mask.width, (picture.width * mask.height) / picture.height) ||
    !isOff(mask.height, (picture.height * mask.width) / picture.width)
  )
    return;
  const [given, wanted] = [mask, picture].map(({ width, height }) => `${width}×${height}`);
  throw new MurnauError(
    'mask.wrong_size',
    `${names.mask} is ${given}, other proportions than those of ${names.picture}, ${wanted}.`,
    { field: names.mask, given, allowed: `the proportions of ${wanted}` },
  );
}
