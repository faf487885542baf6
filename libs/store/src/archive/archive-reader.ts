import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { MurnauError } from '@murnau/domain';
import type { z } from 'zod';
import {
  archiveFormat,
  type ArchiveHeader,
  digestName,
  headerName,
  headerSchema,
  type OnProgress,
} from './manifest.js';
import { blockBytes, endBytes, paddingOf, readTarHeader, type TarEntry } from './tar.js';

const chunkBytes = 1024 * 1024;
const digestBytes = 64;
/** The last entry and the end after it. */
const trailerBytes = blockBytes + digestBytes + paddingOf(digestBytes) + endBytes;
/** A header or a manifest is far smaller. */
const largestText = 64 * 1024 * 1024;

export interface ArchiveEntry extends TarEntry {
  /** To be read before the next entry is asked for, or not at all. */
  chunks(): AsyncIterable<Buffer>;
  text(): Promise<string>;
}

export const damaged = (why: string, cause?: unknown): MurnauError =>
  new MurnauError('backup.damaged', `The backup ${why}.`, { cause });

/** An archive, read entry by entry and never whole. */
export class ArchiveReader {
  readonly #file: FileHandle;
  readonly #sizeBytes: number;

  private constructor(file: FileHandle, sizeBytes: number) {
    this.#file = file;
    this.#sizeBytes = sizeBytes;
  }

  /** @throws MurnauError `usage.invalid` where there is no such file */
  static async open(path: string): Promise<ArchiveReader> {
    try {
      const file = await open(path, 'r');
      const found = await file.stat();
      if (found.isFile()) return new ArchiveReader(file, found.size);
      await file.close();
    } catch (cause) {
      const { message } = cause as Error;
      throw new MurnauError('usage.invalid', `The backup cannot be read: ${message}`, { given: path, cause });
    }
    throw new MurnauError('usage.invalid', `${path} is not a file.`, { given: path });
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  /**
   * Of the first entry; nothing behind it is looked at.
   * @throws MurnauError `backup.damaged` for no backup, `backup.other_version` for one of a later format
   */
  async header(): Promise<ArchiveHeader> {
    for await (const entry of this.entries()) {
      if (entry.name !== headerName) break;
      const value = jsonOf(await entry.text());
      const format = (value as { format?: unknown } | null)?.format;
      if (typeof format === 'number' && format > archiveFormat) {
        throw new MurnauError('backup.other_version', 'The backup was written by a later murnau.', {
          field: 'format',
          given: String(format),
          allowed: `up to ${archiveFormat}`,
        });
      }
      return checked(headerSchema, value);
    }
    throw damaged('is none: it does not begin as a backup of murnau does');
  }

  /**
   * Reads all of it: every byte must be as it was written.
   * @throws MurnauError `backup.damaged`
   */
  async checkWhole(onProgress: OnProgress, signal?: AbortSignal): Promise<void> {
    const bodyBytes = this.#sizeBytes - trailerBytes;
    if (bodyBytes <= 0 || this.#sizeBytes % blockBytes !== 0) throw damaged('is cut: its end is missing');
    const trailer = await this.#read(bodyBytes, trailerBytes);
    if (trailer.subarray(0, digestName.length + 1).toString('latin1') !== `${digestName}\0`) {
      throw damaged('is cut: its end is missing');
    }
    const { sizeBytes } = readTarHeader(trailer.subarray(0, blockBytes));
    const rest = trailer.subarray(blockBytes + digestBytes);
    const digest = createHash('sha256');
    for (let start = 0; start < bodyBytes; start += chunkBytes) {
      signal?.throwIfAborted();
      digest.update(await this.#read(start, Math.min(chunkBytes, bodyBytes - start)));
      onProgress({ doing: 'checking', done: start, total: bodyBytes });
    }
    const written = trailer.subarray(blockBytes, blockBytes + digestBytes).toString('latin1');
    const isWhole = sizeBytes === digestBytes && rest.every((byte) => byte === 0);
    if (!isWhole || digest.digest('hex') !== written) {
      throw damaged('was altered, or part of it is lost: its checksum is another one');
    }
  }

  /** In their order, without the last one, which is of the archive itself. */
  async *entries(): AsyncGenerator<ArchiveEntry> {
    for (let at = 0; at + blockBytes <= this.#sizeBytes - endBytes;) {
      const entry = readTarHeader(await this.#read(at, blockBytes));
      if (entry.name === digestName) return;
      const start = at + blockBytes;
      yield {
        ...entry,
        chunks: () => this.#chunks(start, entry.sizeBytes),
        text: () => this.#text(start, entry),
      };
      at = start + entry.sizeBytes + paddingOf(entry.sizeBytes);
    }
  }

  async *#chunks(start: number, sizeBytes: number): AsyncGenerator<Buffer> {
    for (let done = 0; done < sizeBytes; done += chunkBytes) {
      yield await this.#read(start + done, Math.min(chunkBytes, sizeBytes - done));
    }
  }

  async #text(start: number, { name, sizeBytes }: TarEntry): Promise<string> {
    if (sizeBytes > largestText) throw damaged(`has a ${name} of ${sizeBytes} bytes`);
    return (await this.#read(start, sizeBytes)).toString('utf8');
  }

  async #read(position: number, length: number): Promise<Buffer> {
    const buffer = Buffer.alloc(length);
    for (let done = 0; done < length;) {
      const { bytesRead } = await this.#file.read(buffer, done, length - done, position + done);
      if (bytesRead === 0) throw damaged('is cut: its end is missing');
      done += bytesRead;
    }
    return buffer;
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw damaged('was altered: its description is no JSON', cause);
  }
}

function checked<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw damaged('was altered: its description is not one of ours', result.error);
}

/** @throws MurnauError `backup.damaged` */
export async function jsonEntry<Schema extends z.ZodType>(
  schema: Schema,
  entry: ArchiveEntry,
): Promise<z.output<Schema>> {
  return checked(schema, jsonOf(await entry.text()));
}
