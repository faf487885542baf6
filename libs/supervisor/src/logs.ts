import { copyFile, readdir, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';

const maxLogBytes = 16 * 2 ** 20;

/**
 * Rotates by copying and cutting: the parts hold their logs open for appending and go on writing at the new end.
 * One older log is kept of each.
 */
export async function rotateLogs(folder: string, maxBytes = maxLogBytes): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.endsWith('.log')) continue;
    const path = join(folder, name);
    if ((await stat(path)).size <= maxBytes) continue;
    await copyFile(path, `${path}.1`);
    await truncate(path, 0);
  }
}
