import { crc32 } from 'node:zlib';

const signature = Buffer.from('\u0089PNG\r\n\u001a\n', 'latin1');
/** Length, type and CRC around a chunk's data, in bytes. */
const frameBytes = 12;

interface PngChunk {
  /** Four letters, such as `IHDR`. */
  readonly type: string;
  readonly data: Buffer;
  /** Where the next chunk begins, in bytes from the file's beginning. */
  readonly end: number;
}

/** Why a file cannot be walked through as a PNG. */
export class PngDamage extends Error {
  override readonly name = 'PngDamage';
}

/**
 * Chunks in the order of the file, up to and with `IEND`; each is checked against its CRC (PNG, 5.3).
 * @throws PngDamage
 */
export function* readChunks(png: Uint8Array): Generator<PngChunk, void, undefined> {
  const file = Buffer.from(png.buffer, png.byteOffset, png.byteLength);
  if (!file.subarray(0, signature.length).equals(signature))
    throw new PngDamage('it does not begin as a PNG');
  let start = signature.length;
  for (;;) {
    if (start + frameBytes > file.length) throw new PngDamage('it ends before its last chunk');
    const end = start + frameBytes + file.readUInt32BE(start);
    const type = file.toString('latin1', start + 4, start + 8);
    if (end > file.length) throw new PngDamage(`it ends within its chunk ${JSON.stringify(type)}`);
    if (crc32(file.subarray(start + 4, end - 4)) !== file.readUInt32BE(end - 4)) {
      throw new PngDamage(`its chunk ${JSON.stringify(type)} does not match its checksum`);
    }
    yield { type, data: file.subarray(start + 8, end - 4), end };
    if (type === 'IEND') return;
    start = end;
  }
}

export function encodeChunk(type: string, data: Uint8Array): Buffer {
  const chunk = Buffer.alloc(frameBytes + data.length);
  chunk.writeUInt32BE(data.length, 0);
  chunk.write(type, 4, 'latin1');
  chunk.set(data, 8);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 8 + data.length)), 8 + data.length);
  return chunk;
}
