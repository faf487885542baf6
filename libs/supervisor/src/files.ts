import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Replaces a file in one step, readable by its owner only: readers see the old or the new content, never half. */
export const writeJson = (path: string, value: unknown): Promise<void> =>
  writeText(path, `${JSON.stringify(value, null, 2)}\n`);

/** As `writeJson`, making the file's folder. */
export async function writeText(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = await writeBeside(path, text);
  try {
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Writes what is to take the place of `path`. @returns where; nothing stays behind when the write fails */
export async function writeBeside(path: string, text: string): Promise<string> {
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(text).finally(() => file.close());
  } catch (error) {
    // On a full disk the file is there, and empty.
    await rm(temporary, { force: true });
    throw error;
  }
  return temporary;
}

/** The end of a text file, at most `lines` lines of its last 16 KiB. Empty when there is no such file. */
async function tailOf(path: string, lines = 12): Promise<string> {
  const size = await stat(path).then(
    (stats) => stats.size,
    () => 0,
  );
  if (size === 0) return '';
  const length = Math.min(size, 16_384);
  const file = await open(path, 'r');
  try {
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.toString('utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } finally {
    await file.close();
  }
}

/** For the message of a part that failed: its log's path, and what it ends with. */
export async function endOfLog(path: string): Promise<string> {
  const tail = await tailOf(path);
  return tail === '' ? `Its log, ${path}, is empty.` : `The end of ${path}:\n${tail}`;
}

export const readText = (path: string): Promise<string | null> => readFile(path, 'utf8').catch(() => null);
