import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { MurnauError } from '@murnau/domain';

const fullCodes: readonly unknown[] = ['ENOSPC', 'EDQUOT'];

/** A file, or a stream, that takes nothing. @param field the flag that named it */
export function unwritable(what: string, cause: unknown, field?: string): MurnauError {
  const { code, message } = cause as NodeJS.ErrnoException;
  return new MurnauError(
    fullCodes.includes(code) ? 'storage.full' : 'usage.invalid',
    `${what} cannot be written: ${message}`,
    { field, ...(field === undefined ? {} : { given: what }), cause },
  );
}

/** Writes a file, making its folder. */
export async function writeFileTo(path: string, content: Uint8Array | string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  } catch (cause) {
    throw unwritable(path, cause, '--out');
  }
}
