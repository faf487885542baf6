import sharp, { type Sharp, type SharpOptions } from 'sharp';

// Pictures are few and small; the cores belong to the training beside us.
sharp.concurrency(1);
sharp.cache(false);

/** Pixels of the largest picture that is taken. */
export const LARGEST_PX = 64_000_000;

/**
 * A file that somebody made. What a decoder only warns of (bytes behind the end, as some phones write them) is no
 * failure, here and wherever the picture is read again.
 */
export const openPicture = (bytes: Uint8Array, options: SharpOptions = {}): Sharp =>
  sharp(bytes, { limitInputPixels: LARGEST_PX, failOn: 'error', ...options });

export { sharp };
