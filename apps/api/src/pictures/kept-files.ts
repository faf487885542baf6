import { readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';

/** To how much of the bound the files are cut, so that not each new one removes another. */
const CUT_TO = 0.9;

/**
 * The files of a folder, of which the least recently used are removed when all together pass a bound. When each was used
 * stands in its time of modification, so that a restart, and another process on the same folder, know it.
 */
export class KeptFiles {
  readonly #dir: string;
  readonly #mostBytes: number;
  /** Of all files, those of other processes included, when the folder was last looked at; undefined: not yet. */
  #bytes: number | undefined;
  #looking: Promise<void> | undefined;

  constructor(dir: string, mostBytes: number) {
    this.#dir = dir;
    this.#mostBytes = mostBytes;
  }

  async used(path: string): Promise<void> {
    const now = new Date();
    await utimes(path, now, now);
  }

  /** Resolves when the folder is within its bound again. */
  async added(sizeBytes: number): Promise<void> {
    if (this.#bytes !== undefined) {
      this.#bytes += sizeBytes;
      if (this.#bytes <= this.#mostBytes) return;
    }
    this.#looking ??= this.#cut().finally(() => (this.#looking = undefined));
    await this.#looking;
  }

  async #cut(): Promise<void> {
    const files = await this.#list();
    let bytes = files.reduce((sum, { size }) => sum + size, 0);
    if (bytes > this.#mostBytes) {
      for (const { path, size } of files.sort((a, b) => a.usedMs - b.usedMs)) {
        if (bytes <= this.#mostBytes * CUT_TO) break;
        await rm(path, { force: true });
        bytes -= size;
      }
    }
    this.#bytes = bytes;
  }

  async #list(): Promise<{ path: string; size: number; usedMs: number }[]> {
    const entries = await readdir(this.#dir, { recursive: true, withFileTypes: true });
    const files: { path: string; size: number; usedMs: number }[] = [];
    for (const entry of entries.filter((one) => one.isFile())) {
      const path = join(entry.parentPath, entry.name);
      const found = await stat(path).catch(() => undefined);
      if (found !== undefined) files.push({ path, size: found.size, usedMs: found.mtimeMs });
    }
    return files;
  }
}
