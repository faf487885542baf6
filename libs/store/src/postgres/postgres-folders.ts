import { createHash } from 'node:crypto';
import { chmod, lchown, lstat, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MurnauError } from '@murnau/domain';
import type { PostgresOwner } from './postgres-owner.js';

/** `sun_path` is 108 bytes with its end; the server appends `/.s.PGSQL.5432`. */
const LONGEST_SOCKET_DIR = 107 - '/.s.PGSQL.5432'.length;

/** Modes and owners are set, never left to the umask: what a first start made wrong, the next one mends. */
export async function makeFolder(
  path: string,
  mode: number,
  owner: PostgresOwner | undefined,
): Promise<void> {
  await mkdir(path, { recursive: true });
  await giveTo(path, owner);
  await chmod(path, mode);
}

export async function writeOwned(
  path: string,
  text: string,
  owner: PostgresOwner | undefined,
): Promise<void> {
  if ((await readFile(path, 'utf8').catch(() => undefined)) === text) return;
  // A new file in its place: as root nothing is written through a link that the server's user may have put there.
  const unfinished = `${path}.new-${process.pid}`;
  await rm(unfinished, { force: true });
  await writeFile(unfinished, text, { mode: 0o600, flag: 'wx' });
  await giveTo(unfinished, owner);
  await rename(unfinished, path);
}

/** @throws MurnauError `setup.postgres_user` where root may not, as in a container without that capability */
export async function giveTo(path: string, owner: PostgresOwner | undefined): Promise<void> {
  if (owner === undefined) return;
  try {
    await lchown(path, owner.uid, owner.gid);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== 'EPERM' && code !== 'EINVAL') throw cause;
    throw new MurnauError(
      'setup.postgres_user',
      `PostgreSQL refuses to run as root, and root may not hand ${path} over to ${owner.name} here (${code}).`,
      { allowed: 'an ordinary user, or root with the capability CAP_CHOWN', cause },
    );
  }
}

/** Beside the data where a socket's path may be that long, else in /tmp. */
export function socketDirOf(home: string): string {
  const beside = join(home, 'socket');
  return Buffer.byteLength(beside) <= LONGEST_SOCKET_DIR
    ? beside
    : join('/tmp', `murnau-pg-${createHash('sha256').update(home).digest('hex').slice(0, 8)}`);
}

/** Anybody may make a folder of this name in /tmp, or a link to one of ours: it is only taken from its own user. */
export async function makeSocketDir(path: string, owner: PostgresOwner | undefined): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const found = await lstat(path);
  const own = [process.getuid?.() ?? found.uid, ...(owner === undefined ? [] : [owner.uid])];
  if (!found.isDirectory() || !own.includes(found.uid)) {
    throw new MurnauError(
      'setup.home_unusable',
      `${path} belongs to somebody else (user ${found.uid}). The database's socket lies there because the path of the ` +
        `data folder is too long for one (${LONGEST_SOCKET_DIR} bytes with postgres/socket).`,
      { field: 'MURNAU_HOME', given: path, allowed: 'a shorter path' },
    );
  }
  await makeFolder(path, 0o700, owner);
}
