import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { MurnauError } from '@murnau/domain';

/** The user the server runs as, when that is not the one who asks: PostgreSQL refuses to run as root. */
export interface PostgresOwner {
  name: string;
  uid: number;
  gid: number;
}

/** Undefined when the current user may run PostgreSQL itself. */
export async function findPostgresOwner(runAs?: string): Promise<PostgresOwner | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const candidates = runAs === undefined ? ['postgres', 'nobody'] : [runAs];
  const lines = (await readFile('/etc/passwd', 'utf8').catch(() => ''))
    .split('\n')
    .map((line) => line.split(':'));
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

/** Can `owner` enter `path`? Folders that do not exist yet are made by us, so only existing ancestors count. */
export async function canTraverse(path: string, owner: PostgresOwner): Promise<boolean> {
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    const found = await stat(folder).catch(() => undefined);
    if (found !== undefined && !isSearchableBy(found, owner)) return false;
    if (folder === dirname(folder)) return true;
  }
}

function isSearchableBy(folder: { mode: number; uid: number; gid: number }, owner: PostgresOwner): boolean {
  if (folder.uid === owner.uid) return (folder.mode & 0o100) !== 0;
  if (folder.gid === owner.gid) return (folder.mode & 0o010) !== 0;
  return (folder.mode & 0o001) !== 0;
}
