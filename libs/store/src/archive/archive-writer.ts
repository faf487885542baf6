import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { digestName } from './manifest.js';
import { endBytes, paddingOf, tarHeader } from './tar.js';

/** Writes entries one after the other; each byte counts for the digest at the end. */
export class ArchiveWriter {
  readonly #file: FileHandle;
  readonly #digest = createHash('sha256');

  constructor(file: FileHandle) {
    this.#file = file;
  }

  async add(name: string, content: Uint8Array): Promise<void> {
    await this.addStream(name, content.byteLength, [content]);
  }

  /** @param sizeBytes of all chunks together; the caller checks that it is so */
  async addStream(
    name: string,
    sizeBytes: number,
    chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  ): Promise<void> {
    await this.#write(tarHeader(name, sizeBytes));
    for await (const chunk of chunks) await this.#write(chunk);
    await this.#write(Buffer.alloc(paddingOf(sizeBytes)));
  }

  /** Nothing can be added afterwards. */
  async finish(): Promise<void> {
    const digest = Buffer.from(this.#digest.copy().digest('hex'));
    await this.add(digestName, digest);
    await this.#write(Buffer.alloc(endBytes));
    await this.#file.sync();
  }

  async #write(chunk: Uint8Array): Promise<void> {
    this.#digest.update(chunk);
    await this.#file.writeFile(chunk); // goes on where the last chunk ended
  }
}
