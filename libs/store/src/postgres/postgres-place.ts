import { createHash, randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MurnauError } from '@murnau/domain';
import { shellWord } from '@murnau/environment';
import {
  findClosedFolder,
  findPostgresOwner,
  type ClosedFolder,
  type PostgresOwner,
} from './postgres-owner.js';

/** Of databases whose own folder the server's user cannot reach, such as one in /root. */
export const elsewhereRoot = '/var/lib/murnau';

/** Where a database lies and whose it is. */
interface PostgresPlace {
  /** Folder for data, socket and, where needed, binaries. */
  home: string;
  owner: PostgresOwner | undefined;
  /** The file that names `home` where that is not the folder asked for. */
  pointer?: string;
}

/**
 * Changes nothing. A database that exists is never left for another place: one whose folder was closed afterwards is
 * refused, as starting an empty one instead would look like losing it.
 * @throws MurnauError `setup.postgres_user` as root without another user, `setup.home_unusable` naming a closed folder,
 * `setup.postgres_failed` for a database of somebody else
 */
export async function findPostgresPlace(wanted: string, runAs?: string): Promise<PostgresPlace> {
  const pointer = join(wanted, 'elsewhere');
  const known = (await readFile(pointer, 'utf8').catch(() => undefined))?.trim();
  const dataDir = join(known ?? wanted, 'data');
  const owner = await findPostgresOwner(dataDir, runAs);
  const made = await stat(join(dataDir, 'PG_VERSION')).catch(() => undefined);
  if (made !== undefined && made.uid !== (owner?.uid ?? process.getuid?.())) {
    throw notItsOwn(dataDir, made.uid, owner);
  }
  if (owner === undefined) return { home: wanted, owner };
  if (known !== undefined) {
    const closed = await findClosedFolder(dirname(elsewhereRoot), owner);
    if (closed !== undefined) throw cannotEnter(closed, owner);
    return { home: known, owner, pointer };
  }
  // The folder itself is given to the user: those above it decide.
  const closed = await findClosedFolder(dirname(wanted), owner);
  if (closed === undefined) return { home: wanted, owner };
  if (made !== undefined || (await findClosedFolder(dirname(elsewhereRoot), owner)) !== undefined) {
    throw cannotEnter(closed, owner);
  }
  // A name of its own: the folder of this path may be another one than before.
  const name = `${createHash('sha256').update(wanted).digest('hex').slice(0, 8)}-${randomBytes(4).toString('hex')}`;
  return { home: join(elsewhereRoot, name), owner, pointer };
}

function cannotEnter({ path, mode }: ClosedFolder, { name }: PostgresOwner): MurnauError {
  return new MurnauError(
    'setup.home_unusable',
    `PostgreSQL refuses to run as root and runs as ${name} here, who cannot enter ${path} (mode ${mode}). ` +
      `Let it pass: chmod o+x ${shellWord(path)}`,
    { field: 'MURNAU_HOME', given: path, allowed: `folders that ${name} can pass through` },
  );
}

function notItsOwn(dataDir: string, uid: number, owner: PostgresOwner | undefined): MurnauError {
  const wanted = owner?.name ?? 'this user';
  return new MurnauError(
    'setup.postgres_failed',
    `The database in ${dataDir} belongs to the user ${uid}, but ${wanted} is to run it, and PostgreSQL opens only what is ` +
      `its own. Run murnau as the user who made it, or hand it over: chown -R ${owner?.uid ?? process.getuid?.()} ${shellWord(dataDir)}`,
    { given: `owner ${uid}`, allowed: `owner ${owner?.uid ?? process.getuid?.()}` },
  );
}
