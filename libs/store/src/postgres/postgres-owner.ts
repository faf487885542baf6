import { readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { MurnauError } from '@murnau/domain';

/** The user the server runs as, when that is not the one who asks: PostgreSQL refuses to run as root. */
export interface PostgresOwner {
  name: string;
  uid: number;
  gid: number;
}

/**
 * Undefined when the current user may run PostgreSQL itself. A database that exists keeps its user: `nobody` may have
 * made it before there was a user `postgres`.
 */
export async function findPostgresOwner(dataDir: string, runAs?: string): Promise<PostgresOwner | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const candidates = runAs === undefined ? ['postgres', 'nobody'] : [runAs];
  const lines = (await readFile('/etc/passwd', 'utf8').catch(() => ''))
    .split('\n')
    .map((line) => line.split(':'));
  const made = await stat(join(dataDir, 'PG_VERSION')).catch(() => undefined);
  if (runAs === undefined && made !== undefined && made.uid !== 0) {
    const name = lines.find((fields) => Number(fields[2]) === made.uid)?.[0] ?? `user ${made.uid}`;
    return { name, uid: made.uid, gid: made.gid };
  }
  for (const name of candidates) {
    const entry = lines.find((fields) => fields[0] === name);
    if (entry !== undefined && Number(entry[2]) !== 0)
      return { name, uid: Number(entry[2]), gid: Number(entry[3]) };
  }
  throw new MurnauError(
    'setup.postgres_user',
    'PostgreSQL does not run as root, and no other user was found for it.',
    {
      given: candidates.join(', '),
      allowed: 'a user of /etc/passwd other than root',
    },
  );
}

/** A folder that somebody cannot pass through. */
export interface ClosedFolder {
  path: string;
  /** As `chmod` takes it, such as `700`. */
  mode: string;
}

/**
 * The outermost folder on the way to `path`, and `path` itself, that `owner` cannot enter. Folders that do not exist
 * yet are made by us, so only existing ones count.
 */
export async function findClosedFolder(
  path: string,
  owner: PostgresOwner,
): Promise<ClosedFolder | undefined> {
  let closed: ClosedFolder | undefined;
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    const found = await stat(folder).catch(() => undefined);
    if (found !== undefined && !isSearchableBy(found, owner)) {
      closed = { path: folder, mode: (found.mode & 0o777).toString(8) };
    }
    if (folder === dirname(folder)) return closed;
  }
}

function isSearchableBy(folder: { mode: number; uid: number; gid: number }, owner: PostgresOwner): boolean {
  if (folder.uid === owner.uid) return (folder.mode & 0o100) !== 0;
  if (folder.gid === owner.gid) return (folder.mode & 0o010) !== 0;
  return (folder.mode & 0o001) !== 0;
}
