import { openPicture } from './sharp.js';
import type { SheetLayout, Size } from './sheet-layout.js';

const CHANNELS = 3;
/** Not white: the edges of white pictures show. */
const BACKGROUND = 0xf0;
/** Colour of a place without a picture. */
const EMPTY = 0xe2;

export async function readSize(picture: Uint8Array): Promise<Size> {
  const { autoOrient } = await openPicture(picture).metadata();
  return { width: autoOrient.width, height: autoOrient.height };
}

/** RGB pixels of exactly the cell's size: enlarged by repeating pixels, reduced smoothly, never stretched. */
export async function decodeCell(picture: Uint8Array, cell: Size): Promise<Buffer> {
  const { width, height } = await readSize(picture);
  const isEnlarged = width <= cell.width && height <= cell.height;
  return openPicture(picture)
    .autoOrient()
    .resize({ ...cell, fit: 'contain', background: '#ffffff', kernel: isEnlarged ? 'nearest' : 'lanczos3' })
    .flatten({ background: '#ffffff' })
    .toColourspace('srgb')
    .raw()
    .toBuffer();
}

/** Copies the cells' rows into one picture: hundreds of overlays would make sharp's pipeline slow and deep. */
export function paint(
  { width, height, cell, cells }: SheetLayout,
  pictures: readonly (Buffer | null)[],
): Buffer {
  const canvas = Buffer.alloc(width * height * CHANNELS, BACKGROUND);
  const rowBytes = cell.width * CHANNELS;
  cells.forEach(({ x, y }, index) => {
    const pixels = pictures[index] ?? null;
    for (let row = 0; row < cell.height; row += 1) {
      const at = ((y + row) * width + x) * CHANNELS;
      if (pixels === null) canvas.fill(EMPTY, at, at + rowBytes);
      else pixels.copy(canvas, at, row * rowBytes, (row + 1) * rowBytes);
    }
  });
  return canvas;
}
