import { chmod, chown, mkdir, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { MurnauError } from '@murnau/domain';
import type { StackPaths } from './paths.js';

/** For its owner alone: pictures, prompts, the token. */
const privateFolder = 0o700;
const privateFile = 0o600;
/**
 * As root the database's user has to pass through the data folder to its own: by the folder's group, so that nobody
 * else can.
 */
const passableByGroup = 0o710;
/** Folders made on the way, as root: what is above the data folder must let the database's user pass as well. */
const passableByAll = 0o711;

const isRoot = (): boolean => process.getuid?.() === 0;

/**
 * Makes the data folder, or tightens one that an earlier edition, or a hand, left open.
 * @throws MurnauError `setup.home_unusable` where it cannot be written
 */
export async function makeDataFolder(paths: StackPaths): Promise<void> {
  try {
    await makeWithAncestors(paths.home);
    const isShared = await hasForeigners(paths);
    if (!isShared) await setHomeMode(paths);
    for (const folder of [paths.blobs, paths.temporal, paths.logs, paths.temporary]) {
      await mkdir(folder, { recursive: true, mode: privateFolder });
    }
    await tighten(paths, isShared);
  } catch (error) {
    throw unusable(error, paths.home);
  }
}

async function makeWithAncestors(home: string): Promise<void> {
  const first = await mkdir(home, { recursive: true, mode: privateFolder });
  if (first === undefined || !isRoot()) return;
  for (let folder = dirname(home); folder.length >= first.length; folder = dirname(folder)) {
    await chmod(folder, passableByAll);
  }
}

async function setHomeMode({ home, postgres }: StackPaths): Promise<void> {
  if (!isRoot()) {
    await setMode(home, privateFolder);
    return;
  }
  const found = await stat(home);
  const database = await stat(postgres).catch(() => undefined);
  if (found.gid === database?.gid && (found.mode & 0o777) === passableByGroup) return;
  const { findPostgresOwner } = await import('@murnau/store');
  const owner = await findPostgresOwner(join(postgres, 'data'));
  if (owner !== undefined) await letPass(home, found.uid, owner);
  await chmod(home, passableByGroup);
}

async function letPass(home: string, uid: number, owner: { name: string; gid: number }): Promise<void> {
  try {
    await chown(home, uid, owner.gid);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== 'EPERM' && code !== 'EINVAL') throw cause;
    throw new MurnauError(
      'setup.postgres_user',
      `PostgreSQL refuses to run as root, and root may not hand folders over to ${owner.name} here (${code}).`,
      { allowed: 'an ordinary user, or root with the capability CAP_CHOWN', cause },
    );
  }
}

/** What the stack keeps in its folder, and what it writes beside a file before that takes its place. */
function isOurs(name: string, { home, ...paths }: StackPaths): boolean {
  return Object.values(paths).some(
    (path) => name === basename(path) || name.startsWith(`${basename(path)}.`),
  );
}

/**
 * In a folder with other things in it, such as somebody's home, `tmp` or `logs` may be theirs too: what was there keeps
 * its mode but for our files. What we make there is private by itself.
 */
async function hasForeigners(paths: StackPaths): Promise<boolean> {
  const names = await readdir(paths.home);
  return names.some((name) => name !== 'lost+found' && !isOurs(name, paths));
}

/**
 * A closed folder closes what is in it, so only what is found open is gone through: once, as everything is made closed.
 * The database's folder sees to itself.
 */
async function tighten(paths: StackPaths, isShared: boolean): Promise<void> {
  for (const entry of await readdir(paths.home, { withFileTypes: true })) {
    const path = join(paths.home, entry.name);
    if (!isOurs(entry.name, paths) || path === paths.postgres) continue;
    if (entry.isFile()) await setMode(path, privateFile);
    if (entry.isDirectory() && !isShared && (await setMode(path, privateFolder))) await tightenBelow(path);
  }
}

async function tightenBelow(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) await setMode(path, privateFile);
    else if (entry.isDirectory()) await setMode(path, privateFolder);
  }
}

/** @returns whether it was another. What another process has just removed has none to set. */
async function setMode(path: string, mode: number): Promise<boolean> {
  try {
    if (((await stat(path)).mode & 0o777) === mode) return false;
    await chmod(path, mode);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** What of the data folder other users may enter or read, as `path (mode)`. */
export async function findOpenPaths(paths: StackPaths): Promise<string[]> {
  const open: string[] = [];
  const look = async (path: string, allowed: number): Promise<void> => {
    const found = await stat(path).catch(() => undefined);
    const mode = (found?.mode ?? 0) & 0o777;
    if ((mode & ~allowed) !== 0) open.push(`${path} (mode ${mode.toString(8)})`);
  };
  const entries = await readdir(paths.home, { withFileTypes: true }).catch(() => []);
  const isShared = entries.length > 0 && (await hasForeigners(paths));
  if (entries.length > 0 && !isShared) await look(paths.home, isRoot() ? passableByGroup : privateFolder);
  for (const entry of entries.filter(({ name }) => isOurs(name, paths))) {
    if (isShared && entry.isDirectory()) continue;
    await look(join(paths.home, entry.name), entry.isDirectory() ? privateFolder : privateFile);
  }
  return open;
}

const notWritable = new Set([
  ...[
    'EACCES',
    'EPERM',
    'EROFS',
    'ENOTDIR',
    'EEXIST',
    'ELOOP',
    'ENAMETOOLONG',
    'ENOENT',
    'ENOSPC',
    'EDQUOT',
    'EIO',
  ],
]);

/** What the file system says, in the terms of the data folder. */
export function unusable(error: unknown, home: string): unknown {
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (!notWritable.has(code)) return error;
  return new MurnauError('setup.home_unusable', `The data folder ${home} cannot be used: ${message}`, {
    field: 'MURNAU_HOME',
    given: home,
    allowed: 'a folder that this user can write, on a disk with room',
    cause: error,
  });
}
