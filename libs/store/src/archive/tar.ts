import { MurnauError } from '@murnau/domain';

/**
 * The part of ustar that a backup needs: plain files of a known size. Written here rather than taken from a library
 * because every byte of an archive is checked, headers and padding included, and libraries pass over what they do not
 * know. `tar -tf` and `tar -xf` read it.
 */

export const blockBytes = 512;
/** Two blocks of zeros end an archive. */
export const endBytes = 2 * blockBytes;
/** 11 octal digits. */
const largestFile = 8 ** 11 - 1;

export const paddingOf = (sizeBytes: number): number => (blockBytes - (sizeBytes % blockBytes)) % blockBytes;

const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`;

export function tarHeader(name: string, sizeBytes: number): Buffer {
  if (Buffer.byteLength(name) > 100 || sizeBytes > largestFile) {
    throw new Error(`${name} of ${sizeBytes} bytes does not fit into an archive`);
  }
  const block = Buffer.alloc(blockBytes);
  block.write(name, 0);
  block.write(octal(0o600, 7), 100);
  block.write(octal(0, 7), 108); // user
  block.write(octal(0, 7), 116); // group
  block.write(octal(sizeBytes, 11), 124);
  block.write(octal(0, 11), 136); // time
  block.write('0', 156); // a plain file
  block.write('ustar\u000000', 257, 'latin1');
  block.write(`${octal(checksumOf(block), 6)} `, 148);
  return block;
}

/** Sum of the bytes, those of the sum itself taken as spaces. */
function checksumOf(block: Buffer): number {
  let sum = 0;
  for (const [index, byte] of block.entries()) sum += index >= 148 && index < 156 ? 0x20 : byte;
  return sum;
}

export interface TarEntry {
  name: string;
  sizeBytes: number;
}

/** @throws MurnauError `backup.damaged` for what `tarHeader` does not write */
export function readTarHeader(block: Buffer): TarEntry {
  const name = block.subarray(0, 100).toString('utf8').replace(/\0+$/, '');
  const sizeBytes = Number.parseInt(block.subarray(124, 135).toString('latin1'), 8);
  if (name !== '' && sizeBytes >= 0 && tarHeader(name, sizeBytes).equals(block)) return { name, sizeBytes };
  throw new MurnauError('backup.damaged', 'The backup was altered: a header in it is not one of ours.');
}
