import { createHash, type Hash } from 'node:crypto';
import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import { MurnauError } from '@murnau/domain';
import pg from 'pg';
import { from as copyFrom, type CopyStreamQuery } from 'pg-copy-streams';
import { BlobFiles } from '../blobs/blob-files.js';
import { Connection } from '../database/connection.js';
import { toStorageError } from '../database/failures.js';
import { migrationNames } from '../database/migrations.js';
import { type ArchiveEntry, ArchiveReader, damaged, jsonEntry } from './archive-reader.js';
import { columnList, findLooseEnd, quoted, selectTables } from './catalogue.js';
import {
  type ArchiveHeader,
  type ArchiveManifest,
  manifestName,
  manifestSchema,
  type OnProgress,
} from './manifest.js';

const blobsPerLook = 1_000;

interface RestoreOptions {
  /** Path of the archive. */
  archive: string;
  /** Empty, and without tables. */
  databaseUrl: string;
  blobDir: string;
  /** Takes the settings that came with it. */
  onFile: (name: string, content: string) => Promise<void>;
  onProgress: OnProgress;
  signal?: AbortSignal | undefined;
}

/**
 * What an archive says of itself, once all of it was found to be as it was written.
 * @throws MurnauError `backup.damaged`, `backup.other_version`
 */
export async function checkArchive(
  archive: string,
  { onProgress, signal }: Pick<RestoreOptions, 'onProgress' | 'signal'>,
): Promise<ArchiveHeader> {
  const reader = await ArchiveReader.open(archive);
  try {
    const header = await reader.header();
    const unknown = header.migrations.find((name, index) => migrationNames[index] !== name);
    if (unknown !== undefined) {
      throw new MurnauError('backup.other_version', 'The backup was written by another murnau.', {
        field: 'migrations',
        given: unknown,
        allowed: migrationNames.at(-1),
      });
    }
    await reader.checkWhole(onProgress, signal);
    return header;
  } finally {
    await reader.close();
  }
}

/**
 * Fills an empty database and an empty folder from an archive that `checkArchive` has found whole, and compares all with
 * what the archive's manifest says. What it leaves where it throws is of no use.
 * @throws MurnauError `backup.damaged`, `storage.full`, `storage.unavailable`
 */
export async function restore(options: RestoreOptions): Promise<ArchiveManifest> {
  const { archive, databaseUrl } = options;
  const reader = await ArchiveReader.open(archive);
  try {
    const header = await reader.header();
    await makeTables(databaseUrl, header);
    const client = new pg.Client({
      connectionString: databaseUrl,
      application_name: 'murnau restore',
      statement_timeout: 0,
      idle_in_transaction_session_timeout: 0,
    });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return await new Restoring(client, header, options).run(reader.entries());
    } finally {
      await client.end().catch(() => undefined);
    }
  } catch (error) {
    throw toStorageError(error);
  } finally {
    await reader.close();
  }
}

/** As they were where the backup was made; the next start brings them up to date. */
async function makeTables(databaseUrl: string, { migrations }: ArchiveHeader): Promise<void> {
  const connection = new Connection({ databaseUrl, maxConnections: 2, patienceMs: 10_000 });
  try {
    await connection.migrate(migrations.at(-1));
  } finally {
    await connection.close();
  }
}

class Restoring {
  readonly #client: pg.Client;
  readonly #header: ArchiveHeader;
  readonly #options: RestoreOptions;
  readonly #blobs: BlobFiles;
  readonly #loaded = new Map<string, { rows: number; digest: Hash }>();
  #filling: { name: string; stream: CopyStreamQuery } | undefined;
  #blobCount = 0;

  constructor(client: pg.Client, header: ArchiveHeader, options: RestoreOptions) {
    this.#client = client;
    this.#header = header;
    this.#options = options;
    this.#blobs = new BlobFiles(options.blobDir);
  }

  async run(entries: AsyncIterable<ArchiveEntry>): Promise<ArchiveManifest> {
    const client = this.#client;
    await this.#refuseOtherTables();
    await client.query('begin');
    // Neither the triggers that count trials nor those that look for what is referred to: the rows are as they were.
    await client.query('set local session_replication_role = replica');
    let manifest: ArchiveManifest | undefined;
    for await (const entry of entries) {
      this.#options.signal?.throwIfAborted();
      const [, folder = '', name = ''] = /^(tables|blobs|files)\/([^/]+)/.exec(entry.name) ?? [];
      if (folder !== 'tables') await this.#endTable();
      if (folder === 'tables') await this.#fill(name, entry);
      else if (folder === 'blobs') await this.#putBlob(name, entry);
      else if (folder === 'files') await this.#options.onFile(name, await entry.text());
      else if (entry.name === manifestName) manifest = await jsonEntry(manifestSchema, entry);
    }
    if (manifest === undefined) throw damaged('was altered: it has no manifest');
    await this.#compare(manifest);
    await this.#goOn(manifest);
    await client.query('commit');
    await client.query('analyze');
    return manifest;
  }

  async #refuseOtherTables(): Promise<void> {
    const made = (await selectTables(this.#client)).map(describe);
    const wanted = this.#header.tables.map(describe);
    if (made.join() !== wanted.join())
      throw damaged('was altered: its tables are not those of its migrations');
  }

  /** The parts of a table follow each other: all of them go through one COPY. */
  async #fill(name: string, entry: ArchiveEntry): Promise<void> {
    if (this.#filling?.name !== name) {
      await this.#endTable();
      const { tables } = this.#header;
      const at = tables.findIndex((table) => table.name === name);
      const table = tables[at];
      if (table === undefined) throw damaged(`was altered: it has no table ${name}`);
      this.#options.onProgress({ doing: 'tables', done: at, total: tables.length });
      const copy = copyFrom(`copy ${quoted(name)} (${columnList(table)}) from stdin`);
      this.#filling = { name, stream: this.#client.query(copy) };
      // What goes wrong is thrown where the stream is waited for.
      this.#filling.stream.on('error', () => undefined);
      this.#loaded.set(name, { rows: 0, digest: createHash('sha256') });
    }
    const { stream } = this.#filling;
    for await (const chunk of entry.chunks()) {
      this.#loaded.get(name)?.digest.update(chunk);
      if (stream.errored !== null) break;
      if (!stream.write(chunk)) await Promise.race([once(stream, 'drain'), finished(stream)]);
    }
  }

  async #endTable(): Promise<void> {
    const filling = this.#filling;
    if (filling === undefined) return;
    this.#filling = undefined;
    filling.stream.end();
    await finished(filling.stream);
    const loaded = this.#loaded.get(filling.name);
    if (loaded !== undefined) loaded.rows = filling.stream.rowCount ?? 0;
  }

  async #putBlob(hash: string, entry: ArchiveEntry): Promise<void> {
    const stored = await this.#blobs.write(entry.chunks());
    if (stored.hash !== hash) throw damaged(`was altered: the file ${hash} in it has another content`);
    this.#blobCount += 1;
    const total = this.#loaded.get('blobs')?.rows ?? 0;
    this.#options.onProgress({ doing: 'files', done: this.#blobCount, total });
  }

  async #compare({ tables, blobs }: ArchiveManifest): Promise<void> {
    for (const { name, rows, sha256 } of tables) {
      const loaded = this.#loaded.get(name) ?? { rows: 0, digest: createHash('sha256') };
      if (loaded.rows !== rows || loaded.digest.digest('hex') !== sha256) {
        throw damaged(`was altered: the table ${name} is not what its manifest says`);
      }
    }
    const loose = await findLooseEnd(this.#client);
    if (loose !== undefined) throw damaged(`was altered: ${loose} where there is none`);
    if (this.#blobCount !== blobs.count) throw damaged('was altered: it has not the files of its manifest');
    await this.#findBlobs();
  }

  /** Every file that a row names. */
  async #findBlobs(): Promise<void> {
    for (let after = ''; ;) {
      const { rows } = await this.#client.query<{ hash: string; size_bytes: string }>(
        'select hash, size_bytes from blobs where hash > $1 order by hash limit $2',
        [after, blobsPerLook],
      );
      if (rows.length === 0) return;
      for (const { hash, size_bytes } of rows) {
        if (await this.#blobs.hasWhole(hash, Number(size_bytes))) continue;
        throw damaged(`was altered: the file ${hash} is missing in it`);
      }
      after = rows.at(-1)?.hash ?? '';
    }
  }

  /** Numbers go on where they were. */
  async #goOn({ sequences }: ArchiveManifest): Promise<void> {
    for (const [name, last] of Object.entries(sequences)) {
      await this.#client.query('select setval($1::regclass, $2)', [quoted(name), last]);
    }
  }
}

const describe = ({ name, columns }: { name: string; columns: string[] }): string =>
  `${name}(${columns.join()})`;
