import { layOut, type SheetLayout } from './sheet-layout.js';
import { decodeCell, paint, readSize } from './sheet-canvas.js';
import type { ContactSheet } from './sheet-content.js';
import { sharp } from './sharp.js';

/** A PNG of pictures in rows and columns with their labels. Small pictures are enlarged without smoothing. */
export async function contactSheet(sheet: ContactSheet): Promise<Buffer> {
  const pictures = sheet.rows.flatMap((row) => row.pictures);
  const first = pictures.find((picture) => picture !== null);
  const layout = layOut(sheet, first ? await readSize(first) : { width: 64, height: 64 });
  const canvas = paint(layout, await decodeAll(layout));
  return sharp(canvas, {
    raw: { width: layout.width, height: layout.height, channels: 3 },
    limitInputPixels: false,
  })
    .composite([{ input: Buffer.from(layout.letteringSvg), limitInputPixels: false }])
    .png({ compressionLevel: 6 })
    .toBuffer();
}

/** Pictures side by side, nothing else. */
export async function strip(pictures: readonly Uint8Array[]): Promise<Buffer> {
  return contactSheet({ rows: [{ pictures }], wrap: Math.max(1, pictures.length) });
}

function decodeAll(layout: SheetLayout): Promise<(Buffer | null)[]> {
  return Promise.all(
    layout.cells.map(({ picture }) => (picture === null ? null : decodeCell(picture, layout.cell))),
  );
}
