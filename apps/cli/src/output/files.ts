import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { MurnauError } from '@murnau/domain';

/** Writes a file, making its folder. */
export async function writeFileTo(path: string, content: Uint8Array | string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new MurnauError('usage.invalid', `${path} cannot be written: ${reason}`, {
      field: '--out',
      given: path,
      cause,
    });
  }
}
