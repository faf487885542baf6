import { createHash } from 'node:crypto';
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { MurnauError } from '@murnau/domain';
import pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { collectingLock } from '../blobs/collect-garbage.js';
import { BlobFiles } from '../blobs/blob-files.js';
import { toStorageError } from '../database/failures.js';
import { ArchiveWriter } from './archive-writer.js';
import {
  columnList,
  quoted,
  referredBlobs,
  selectMigrations,
  selectSequences,
  selectTables,
  type Table,
} from './catalogue.js';
import {
  archiveFormat,
  type ArchiveHeader,
  type ArchiveManifest,
  blobEntry,
  fileEntry,
  headerName,
  manifestName,
  type OnProgress,
  tablePart,
} from './manifest.js';

/** Bytes of a table in one entry: what is held in memory. */
const partBytes = 4 * 1024 * 1024;
const blobsPerFetch = 500;
const newline = 0x0a;

interface BackUpOptions {
  databaseUrl: string;
  blobDir: string;
  /** Path of the archive; nothing may lie there. */
  target: string;
  /** Of the data folder. */
  edition: number;
  /** Settings to go with it, by name. */
  files: Readonly<Record<string, Uint8Array>>;
  onProgress: OnProgress;
  signal?: AbortSignal | undefined;
}

/**
 * Writes everything that the store has into one archive, as it is at one moment, while others go on writing. The database
 * comes first; a file that a row refers to never changes and is not collected meanwhile.
 * @throws MurnauError `usage.invalid` where something lies at the target, `storage.full`, `blob.not_found` or
 * `blob.corrupt` for a file that the store has lost
 */
export async function backUp(options: BackUpOptions): Promise<ArchiveManifest> {
  const { target } = options;
  await refuseExisting(target);
  const unfinished = `${target}.part-${process.pid}`;
  try {
    const file = await open(unfinished, 'wx', 0o600);
    let manifest: ArchiveManifest;
    try {
      manifest = await writeArchive(file, options);
    } finally {
      await file.close();
    }
    await rename(unfinished, target);
    await syncFolder(dirname(target));
    return manifest;
  } catch (error) {
    await rm(unfinished, { force: true });
    throw describeFailure(error, target);
  }
}

async function refuseExisting(target: string): Promise<void> {
  const found = await stat(target).catch(() => undefined);
  if (found === undefined) return;
  throw new MurnauError('usage.invalid', `${target} is there already.`, {
    field: 'file',
    given: target,
    allowed: 'the path of a new file',
  });
}

async function writeArchive(file: FileHandle, options: BackUpOptions): Promise<ArchiveManifest> {
  const client = new pg.Client({
    connectionString: options.databaseUrl,
    application_name: 'murnau backup',
    statement_timeout: 0,
    idle_in_transaction_session_timeout: 0,
  });
  client.on('error', () => undefined);
  await client.connect();
  try {
    // Before the snapshot: what it sees is not collected until the connection ends.
    await client.query('select pg_advisory_lock(hashtextextended($1, 0))', [collectingLock]);
    await client.query('begin isolation level repeatable read read only');
    return await writeSnapshot(client, new ArchiveWriter(file), options);
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function writeSnapshot(
  client: pg.Client,
  writer: ArchiveWriter,
  { edition, files, blobDir, onProgress, signal }: BackUpOptions,
): Promise<ArchiveManifest> {
  const { rows } = await client.query<{ server_version: string }>('show server_version');
  const header: ArchiveHeader = {
    format: archiveFormat,
    edition,
    migrations: await selectMigrations(client),
    postgres: rows[0]?.server_version ?? '',
    created_at: new Date().toISOString(),
    tables: await selectTables(client),
  };
  await writer.add(headerName, json(header));
  const blobs = await referredBlobs(client);
  const tables: ArchiveManifest['tables'] = [];
  for (const [done, table] of header.tables.entries()) {
    onProgress({ doing: 'tables', done, total: header.tables.length });
    // Files that nothing refers to are not part of a backup.
    const which = table.name === 'blobs' ? ` where hash in (${blobs})` : '';
    tables.push(await writeTable(client, writer, table, { which, signal }));
  }
  for (const [name, content] of Object.entries(files)) await writer.add(fileEntry(name), content);
  const stored = {
    files: new BlobFiles(blobDir),
    count: tables.find(({ name }) => name === 'blobs')?.rows ?? 0,
  };
  const manifest: ArchiveManifest = {
    ...header,
    tables,
    blobs: await writeBlobs(client, writer, { ...stored, query: blobs, onProgress, signal }),
    // Read last: at least as far as any row of the snapshot.
    sequences: await selectSequences(client),
    files: Object.keys(files),
  };
  await writer.add(manifestName, json(manifest));
  await writer.finish();
  return manifest;
}

const json = (value: unknown): Buffer => Buffer.from(`${JSON.stringify(value, null, 1)}\n`);

async function writeTable(
  client: pg.Client,
  writer: ArchiveWriter,
  table: Table,
  { which, signal }: { which: string; signal: AbortSignal | undefined },
): Promise<ArchiveManifest['tables'][number]> {
  const digest = createHash('sha256');
  let [rows, bytes, parts, held] = [0, 0, 0, 0];
  let part: Buffer[] = [];
  const writePart = async (): Promise<void> => {
    if (held === 0) return;
    await writer.add(tablePart(table.name, parts), Buffer.concat(part));
    parts += 1;
    [part, held] = [[], 0];
  };
  const query = `copy (select ${columnList(table)} from ${quoted(table.name)}${which}) to stdout`;
  for await (const chunk of client.query(copyTo(query)) as AsyncIterable<Buffer>) {
    signal?.throwIfAborted();
    digest.update(chunk);
    rows += countRows(chunk);
    bytes += chunk.length;
    part.push(chunk);
    held += chunk.length;
    if (held >= partBytes) await writePart();
  }
  await writePart();
  return { ...table, rows, bytes, sha256: digest.digest('hex') };
}

/** COPY's text has one line for each row; a line break within a value is written as `\n`. */
function countRows(chunk: Buffer): number {
  let rows = 0;
  for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, at + 1)) rows += 1;
  return rows;
}

interface BlobSource {
  files: BlobFiles;
  /** Of their hashes. */
  query: string;
  count: number;
  onProgress: OnProgress;
  signal: AbortSignal | undefined;
}

async function writeBlobs(
  client: pg.Client,
  writer: ArchiveWriter,
  { files, query, count: total, onProgress, signal }: BlobSource,
): Promise<ArchiveManifest['blobs']> {
  await client.query(
    `declare wanted no scroll cursor for select hash, size_bytes from blobs where hash in (${query}) order by hash`,
  );
  let [count, bytes] = [0, 0];
  for (;;) {
    const { rows } = await client.query<{ hash: string; size_bytes: string }>(
      `fetch ${blobsPerFetch} from wanted`,
    );
    if (rows.length === 0) return { count, bytes };
    for (const { hash, size_bytes } of rows) {
      signal?.throwIfAborted();
      onProgress({ doing: 'files', done: count, total });
      const sizeBytes = Number(size_bytes);
      await writer.addStream(blobEntry(hash), sizeBytes, wholeBlob(files, hash, sizeBytes));
      count += 1;
      bytes += sizeBytes;
    }
  }
}

/** @throws MurnauError `blob.not_found`, `blob.corrupt` */
async function* wholeBlob(files: BlobFiles, hash: string, sizeBytes: number): AsyncGenerator<Buffer> {
  const digest = createHash('sha256');
  let read = 0;
  for await (const chunk of (await files.stream(hash)) as AsyncIterable<Buffer>) {
    digest.update(chunk);
    read += chunk.length;
    yield chunk;
  }
  if (read === sizeBytes && digest.digest('hex') === hash) return;
  throw new MurnauError('blob.corrupt', `The stored file ${files.path(hash)} is not what was stored.`, {
    given: hash,
  });
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function describeFailure(error: unknown, target: string): unknown {
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    const what = `No space is left for ${basename(target)} in ${dirname(target)}; what was written of it was removed.`;
    return new MurnauError('storage.full', what, { cause: error });
  }
  if (['ENOENT', 'ENOTDIR', 'EACCES', 'EROFS', 'EPERM', 'EISDIR'].includes(code)) {
    return new MurnauError('usage.invalid', `${target} cannot be written: ${message}`, {
      field: 'file',
      given: target,
      allowed: 'the path of a new file in a folder that this user can write',
      cause: error,
    });
  }
  return error instanceof Error && error.name === 'AbortError' ? error : toStorageError(error);
}
