import type { Readable } from 'node:stream';
import { sql } from 'kysely';
import type { Connection } from '../database/connection.js';
import { BlobFiles, type ByteRange, notFound } from './blob-files.js';
import { removeUnreferenced } from './collect-garbage.js';

interface StoredBlob {
  /** SHA-256, lower-case hex. */
  hash: string;
  size_bytes: number;
  media_type: string;
}

interface NewBlob {
  content: Uint8Array | AsyncIterable<Uint8Array>;
  /** E.g. `image/png`. */
  media_type: string;
}

/** Longer than any upload waits for the row that will refer to it. */
const UNREFERENCED_GRACE_MS = 3_600_000;

/** Bytes by their hash. What `put` returned is on disk and stays there for as long as a row refers to it. */
export class Blobs {
  readonly #connection: Connection;
  readonly #files: BlobFiles;

  constructor(connection: Connection, dir: string) {
    this.#connection = connection;
    this.#files = new BlobFiles(dir);
  }

  async put(content: NewBlob['content'], mediaType: string): Promise<StoredBlob> {
    const [stored] = await this.putMany([{ content, media_type: mediaType }]);
    if (stored === undefined) throw new Error('a blob was stored without an answer');
    return stored;
  }

  /** All files, then one statement for their rows; answers in the order given. */
  async putMany(blobs: readonly NewBlob[]): Promise<StoredBlob[]> {
    if (blobs.length === 0) return [];
    const stored = await Promise.all(
      blobs.map(async ({ content, media_type }) => ({ ...(await this.#files.write(content)), media_type })),
    );
    const rows = [...new Map(stored.map((blob) => [blob.hash, blob])).values()].sort((a, b) =>
      a.hash < b.hash ? -1 : 1,
    );
    await this.#connection.repeatable((db) =>
      db
        .insertInto('blobs')
        .values(rows)
        .onConflict((conflict) => conflict.column('hash').doUpdateSet({ stored_at: sql`now()` }))
        .execute(),
    );
    // A collector may have removed a file between our look at it and our row: the row now protects it, so write it again.
    await Promise.all(
      blobs.map(async ({ content }, index) => {
        const blob = stored[index];
        if (blob === undefined || !(content instanceof Uint8Array)) return;
        if (!(await this.#files.hasWhole(blob.hash, blob.size_bytes))) await this.#files.write(content);
      }),
    );
    return stored;
  }

  /** @throws `blob.not_found`; `blob.corrupt` unless `verify` is false. */
  get(hash: string, options: { verify?: boolean } = {}): Promise<Buffer> {
    return this.#files.read(hash, options);
  }

  /** Not verified: the reader may want a part only. @throws `blob.not_found` */
  stream(hash: string, range?: ByteRange): Promise<Readable> {
    return this.#files.stream(hash, range);
  }

  /** @throws `blob.not_found` */
  async describe(hash: string): Promise<StoredBlob> {
    const row = await this.#connection.repeatable((db) =>
      db
        .selectFrom('blobs')
        .select(['hash', 'size_bytes', 'media_type'])
        .where('hash', '=', hash)
        .executeTakeFirst(),
    );
    if (row === undefined) throw notFound(hash);
    return row;
  }

  /** Those of the hashes that are stored, row and file. */
  async has(hashes: readonly string[]): Promise<Set<string>> {
    if (hashes.length === 0) return new Set();
    const rows = await this.#connection.repeatable((db) =>
      db
        .selectFrom('blobs')
        .select(['hash', 'size_bytes'])
        .where('hash', 'in', [...new Set(hashes)])
        .execute(),
    );
    const present = await Promise.all(rows.map((row) => this.#files.hasWhole(row.hash, row.size_bytes)));
    return new Set(rows.filter((_, index) => present[index]).map((row) => row.hash));
  }

  /** Where the file lies, for a process on this machine that reads it itself. */
  path(hash: string): string {
    return this.#files.path(hash);
  }

  /** Removes what nothing refers to (superseded checkpoints, abandoned uploads) and is old enough. Safe at any time. */
  async collectGarbage(olderThanMs = UNREFERENCED_GRACE_MS): Promise<{ removed: number; failed: number }> {
    await this.#files.removeUnfinished(olderThanMs);
    return removeUnreferenced(this.#connection, this.#files, olderThanMs);
  }
}
