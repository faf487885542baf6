import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { MurnauError } from '@murnau/domain';

const HASH = /^[0-9a-f]{64}$/;

export interface ByteRange {
  /** First byte, from 0. */
  start: number;
  /** Last byte, included. */
  end: number;
}

/** Files by content: `<dir>/ab/cdef…`. A file that is there is whole, whatever crashed when. */
export class BlobFiles {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Temporary file → fsync → rename → fsync of the folder. Writing what is there already costs one look. */
  async write(
    content: Uint8Array | AsyncIterable<Uint8Array>,
  ): Promise<{ hash: string; size_bytes: number }> {
    if (content instanceof Uint8Array) {
      const hash = createHash('sha256').update(content).digest('hex');
      if (await this.hasWhole(hash, content.byteLength)) return { hash, size_bytes: content.byteLength };
    }
    const unfinished = join(this.#dir, 'tmp', `${process.pid}-${randomBytes(8).toString('hex')}`);
    try {
      return await this.#writeThrough(unfinished, content instanceof Uint8Array ? [content] : content);
    } catch (error) {
      await rm(unfinished, { force: true }).catch(() => undefined);
      throw describeWriteFailure(error, this.#dir);
    }
  }

  async #writeThrough(
    unfinished: string,
    content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  ): Promise<{ hash: string; size_bytes: number }> {
    await mkdir(dirname(unfinished), { recursive: true });
    const digest = createHash('sha256');
    let sizeBytes = 0;
    const file = await open(unfinished, 'wx', 0o644);
    try {
      for await (const chunk of content) {
        digest.update(chunk);
        sizeBytes += chunk.byteLength;
        await file.writeFile(chunk); // goes on where the last chunk ended
      }
      await file.sync();
    } finally {
      await file.close();
    }
    const hash = digest.digest('hex');
    const target = this.path(hash);
    await makeDurableFolder(dirname(target));
    await rename(unfinished, target);
    await syncFolder(dirname(target));
    return { hash, size_bytes: sizeBytes };
  }

  /** Undefined: no such file. */
  async sizeBytes(hash: string): Promise<number | undefined> {
    const found = await stat(this.path(hash)).catch(() => undefined);
    return found?.size;
  }

  async hasWhole(hash: string, sizeBytes: number): Promise<boolean> {
    return (await this.sizeBytes(hash)) === sizeBytes;
  }

  async read(hash: string, options: { verify?: boolean } = {}): Promise<Buffer> {
    const bytes = await readFile(this.path(hash)).catch((cause: NodeJS.ErrnoException) => {
      throw cause.code === 'ENOENT' ? notFound(hash, cause) : cause;
    });
    if (options.verify !== false && createHash('sha256').update(bytes).digest('hex') !== hash) {
      throw new MurnauError('blob.corrupt', `The stored file ${hash} does not match its hash.`, {
        given: hash,
      });
    }
    return bytes;
  }

  async stream(hash: string, range?: ByteRange): Promise<Readable> {
    if ((await this.sizeBytes(hash)) === undefined) throw notFound(hash);
    return createReadStream(this.path(hash), range);
  }

  async remove(hash: string): Promise<void> {
    await rm(this.path(hash), { force: true });
  }

  /** Left by processes that died while writing. */
  async removeUnfinished(olderThanMs: number): Promise<number> {
    const folder = join(this.#dir, 'tmp');
    const names = await readdir(folder).catch(() => []);
    let removed = 0;
    for (const name of names) {
      const found = await stat(join(folder, name)).catch(() => undefined);
      if (found === undefined || Date.now() - found.mtimeMs < olderThanMs) continue;
      await rm(join(folder, name), { force: true });
      removed += 1;
    }
    return removed;
  }

  path(hash: string): string {
    if (!HASH.test(hash)) throw notFound(hash);
    return join(this.#dir, hash.slice(0, 2), hash.slice(2));
  }
}

export function notFound(hash: string, cause?: unknown): MurnauError {
  return new MurnauError('blob.not_found', `No file with the hash ${hash.slice(0, 64)} is stored.`, {
    given: hash,
    cause,
  });
}

function describeWriteFailure(error: unknown, dir: string): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new MurnauError('storage.full', `No space is left for files in ${dir}.`, { cause: error });
  }
  if (code === 'EACCES' || code === 'EROFS' || code === 'EIO') {
    return new MurnauError('storage.unavailable', `The folder ${dir} cannot be written (${code}).`, {
      cause: error,
    });
  }
  return error;
}

async function makeDurableFolder(path: string): Promise<void> {
  const made = await mkdir(path, { recursive: true });
  if (made !== undefined) await syncFolder(dirname(path));
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
