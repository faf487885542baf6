import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { rendition, type RenditionFormat } from '@murnau/images';
import { Places } from '../http/places.js';
import { KeptFiles } from './kept-files.js';

/** Few widths are kept, so that nobody fills the disk by asking for each. */
const WIDTHS = [64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 4096];
/** Pictures that are resized at once; those that wait are not read yet. */
const RESIZED_AT_ONCE = 4;
const MOST_WAITING = 2_000;

/** Resized pictures as files, made when first asked for. The folder may be deleted at any time. */
export class Renditions {
  readonly #dir: string;
  readonly #files: KeptFiles;
  readonly #places = new Places({
    what: 'pictures to resize',
    units: RESIZED_AT_ONCE,
    mostWaiting: MOST_WAITING,
  });
  /** Being made: the second who asks waits for the first. */
  readonly #making = new Map<string, Promise<Buffer>>();

  constructor(dir: string, mostBytes: number) {
    this.#dir = dir;
    this.#files = new KeptFiles(dir, mostBytes);
  }

  /**
   * @param width rounded up to a kept one; never enlarges. Absent: the picture's own.
   * @throws MurnauError `server.busy`, and what `read` throws
   */
  async get(
    hash: string,
    { width, format }: { width?: number | undefined; format: RenditionFormat },
    read: () => Promise<Buffer>,
  ): Promise<Buffer> {
    const kept = width === undefined ? undefined : WIDTHS.find((candidate) => candidate >= width);
    const path = join(this.#dir, hash.slice(0, 2), `${hash.slice(2)}-${kept ?? 'full'}.${format}`);
    const stored = await readFile(path).catch(() => undefined);
    if (stored !== undefined) {
      await this.#files.used(path).catch(() => undefined);
      return stored;
    }
    const making =
      this.#making.get(path) ?? this.#places.during(() => this.#make(path, { width: kept, format }, read));
    this.#making.set(path, making);
    return making.finally(() => this.#making.delete(path));
  }

  async #make(
    path: string,
    options: { width: number | undefined; format: RenditionFormat },
    read: () => Promise<Buffer>,
  ): Promise<Buffer> {
    const made = await rendition(await read(), options);
    // What cannot be kept (a full disk) is still shown.
    await keep(path, made)
      .then(() => this.#files.added(made.length))
      .catch(() => undefined);
    return made;
  }
}

async function keep(path: string, content: Buffer): Promise<void> {
  const unfinished = `${path}.${randomBytes(6).toString('hex')}`;
  await mkdir(dirname(path), { recursive: true });
  try {
    await writeFile(unfinished, content, { flag: 'wx' });
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}
