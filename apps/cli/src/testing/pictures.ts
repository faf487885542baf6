import { crc32, deflateSync } from 'node:zlib';

/** Grey, RGB or RGBA by the length of a pixel. */
type PixelAt = (x: number, y: number) => readonly number[];

const colourTypes: Readonly<Record<number, number>> = { 1: 0, 3: 2, 4: 6 };

function chunk(kind: string, content: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(kind, 'latin1'), content]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(content.length);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}

/** A PNG; without pixels of its own, of shades that `seed` moves. */
export function aPicture(
  seed = 0,
  { width = 40, height = 40, at }: { width?: number; height?: number; at?: PixelAt } = {},
): Buffer {
  const pixelAt = at ?? ((x: number, y: number) => [(x * 6) & 255, (y * 6) & 255, (seed * 40) & 255]);
  const rows = Array.from({ length: height }, (_, y) =>
    Buffer.from([0, ...Array.from({ length: width }, (_, x) => pixelAt(x, y)).flat()]),
  );
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, colourTypes[pixelAt(0, 0).length] ?? 2], 8);
  return Buffer.concat([
    Buffer.from('\u0089PNG\r\n\u001a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.concat(rows))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** White on the left half. */
export const aMask = (width = 40, height = 40): Buffer =>
  aPicture(0, { width, height, at: (x) => [x < width / 2 ? 255 : 0] });
