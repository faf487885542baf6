import { readdir, rm, rmdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { MurnauError } from '@murnau/domain';
import type { ArchiveManifest } from '@murnau/store';
import { readText, stopProcess, withLock, writeText } from '@murnau/supervisor';
import { checkHome } from '../check/environment/index.js';
import { insistOn } from '../check/environment/requirement.js';
import { makeDataFolder, unusable } from '../data-folder.js';
import { edition, isUnfinishedRestore, unfinishedRestore } from '../edition.js';
import { findMarked } from '../marked.js';
import { stackPaths, type StackPaths } from '../paths.js';
import type { ArchiveOptions } from './back-up-stack.js';
import { stopGraceMs, withOwnDatabase } from './with-database.js';

/**
 * Fills an empty data folder from a backup. The whole backup is checked before anything is made, and what was restored
 * is compared with it before the folder counts as one: until then it has no edition and `murnau up` refuses it.
 * @throws MurnauError `backup.damaged`, `backup.other_version`, `backup.folder_not_empty`, `setup.home_unusable`
 */
export async function restoreStack(options: ArchiveOptions): Promise<ArchiveManifest> {
  const { file, onProgress, signal } = options;
  const paths = stackPaths(options.home);
  const { checkArchive } = await import('@murnau/store');
  const header = await checkArchive(resolve(file), { onProgress, signal });
  refuseOtherEdition(header.edition);
  insistOn(await checkHome(paths));
  await removeUnfinished(paths);
  const names = await namesIn(paths.home);
  if (names !== undefined && names.length > 0) throw notEmpty(paths.home, names);
  const before = process.umask(0o077);
  try {
    await makeDataFolder(paths);
    return await withLock(paths.upLock, () => fill(paths, options));
  } catch (error) {
    // The lock was given back: the folder is as it was found.
    if (names === undefined) await rmdir(paths.home).catch(() => undefined);
    throw unusable(error, paths.home);
  } finally {
    process.umask(before);
  }
}

async function fill(
  paths: StackPaths,
  { file, onProgress, signal }: ArchiveOptions,
): Promise<ArchiveManifest> {
  const { restore } = await import('@murnau/store');
  // Somebody may have been at work here before the lock was ours.
  const ours = [paths.blobs, paths.temporal, paths.logs, paths.temporary, paths.upLock].map((path) =>
    basename(path),
  );
  const names = ((await namesIn(paths.home)) ?? []).filter((name) => !ours.includes(name));
  if (names.length > 0) throw notEmpty(paths.home, names);
  try {
    await writeText(paths.edition, unfinishedRestore);
    const manifest = await withOwnDatabase(paths, (databaseUrl) =>
      restore({
        archive: resolve(file),
        databaseUrl,
        blobDir: paths.blobs,
        onFile: async (name, content) => {
          if (name === basename(paths.models)) await writeText(paths.models, content);
        },
        onProgress,
        signal,
      }),
    );
    await writeText(paths.edition, `${edition}\n`);
    return manifest;
  } catch (error) {
    await emptyFolder(paths);
    throw error;
  }
}

function refuseOtherEdition(found: number): void {
  if (found === edition) return;
  const which = found > edition ? 'a later' : 'an earlier';
  throw new MurnauError('backup.other_version', `The backup is of ${which} edition of the data folder.`, {
    field: 'edition',
    given: String(found),
    allowed: String(edition),
  });
}

/** Undefined: there is no such folder. */
async function namesIn(home: string): Promise<string[] | undefined> {
  try {
    return (await readdir(home)).filter((name) => name !== 'lost+found');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function notEmpty(home: string, names: readonly string[]): MurnauError {
  const shown = names.slice(0, 5).join(', ');
  const more = names.length > 5 ? ` and ${names.length - 5} more` : '';
  return new MurnauError('backup.folder_not_empty', `${home} is not empty: it has ${shown}${more}.`, {
    field: 'MURNAU_HOME',
    given: home,
    allowed: 'an empty folder, or the path of a new one',
  });
}

/** Of a restore that was killed; one that is at work holds the lock, and is waited for. */
async function removeUnfinished(paths: StackPaths): Promise<void> {
  if (!(await isUnfinishedRestore(paths))) return;
  await withLock(paths.upLock, async () => {
    if (await isUnfinishedRestore(paths)) await emptyFolder(paths);
  });
}

/** All but the lock that is held. What runs in the folder is ended first. */
async function emptyFolder(paths: StackPaths): Promise<void> {
  for (const { identity } of await findMarked(paths.home)) {
    await stopProcess(identity, { stopSignal: 'SIGINT', graceMs: stopGraceMs });
  }
  const elsewhere = (await readText(join(paths.postgres, 'elsewhere')))?.trim();
  if (elsewhere) await rm(elsewhere, { recursive: true, force: true });
  for (const name of (await namesIn(paths.home)) ?? []) {
    if (name === basename(paths.upLock)) continue;
    await rm(join(paths.home, name), { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}
