import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { MurnauError } from '@murnau/domain';
import type { ArchiveManifest, OnProgress } from '@murnau/store';
import { readText } from '@murnau/supervisor';
import { checkEdition, edition } from '../edition.js';
import { stackPaths } from '../paths.js';
import { withDatabase } from './with-database.js';

export interface ArchiveOptions {
  home: string;
  /** Path of the archive. */
  file: string;
  onProgress: OnProgress;
  signal?: AbortSignal | undefined;
}

/**
 * Writes what a data folder has into one file: the database and the files that it names, and the registered models; not
 * the token, nor Temporal's file, without which open work is started again from its checkpoints. With the stack up or
 * down.
 * @throws MurnauError `usage.invalid` without data, `setup.data_edition`, and what `backUp` throws
 */
export async function backUpStack({
  home,
  file,
  onProgress,
  signal,
}: ArchiveOptions): Promise<ArchiveManifest> {
  const paths = stackPaths(home);
  await checkEdition(paths);
  if (!existsSync(paths.edition)) {
    throw new MurnauError('usage.invalid', `There are no data in ${paths.home}.`, {
      field: 'MURNAU_HOME',
      given: paths.home,
      allowed: 'a data folder that murnau up has made',
    });
  }
  // The database's log is written here, and `down` may have been followed by a tidier.
  await mkdir(paths.logs, { recursive: true, mode: 0o700 });
  const models = await readText(paths.models);
  const { backUp } = await import('@murnau/store');
  return withDatabase(paths, (databaseUrl) =>
    backUp({
      databaseUrl,
      blobDir: paths.blobs,
      target: resolve(file),
      edition,
      files: models === null ? {} : { [basename(paths.models)]: Buffer.from(models) },
      onProgress,
      signal,
    }),
  );
}
