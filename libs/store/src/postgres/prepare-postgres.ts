import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { hasDatabase, makeDatabase, refuseOtherVersion } from './make-database.js';
import { copyPostgresBinaries, findPostgresBinaries, haveLibraryLinks } from './postgres-binaries.js';
import type { PostgresBinaries } from './postgres-binaries.js';
import { giveTo, makeFolder, makeSocketDir, socketDirOf, writeOwned } from './postgres-folders.js';
import { findLivePostmaster } from './postgres-lock.js';
import { findClosedFolder, type PostgresOwner } from './postgres-owner.js';
import { elsewhereRoot, findPostgresPlace } from './postgres-place.js';
import { chooseSharedMemory, HOST_BASED_AUTHENTICATION, postgresSettings } from './postgres-settings.js';

const DATABASE_USER = 'murnau';
const DATABASE_NAME = 'murnau';

/** How to spawn the server as an ordinary child process, and how to reach it. */
export interface PostgresPlan {
  command: string;
  args: string[];
  cwd: string;
  /** Complete environment: do not merge with `process.env`. */
  env: Record<string, string>;
  uid?: number;
  gid?: number;
  /** Fast shutdown: clients are disconnected. SIGTERM would wait for them. */
  stopSignal: 'SIGINT';
  databaseUrl: string;
  dataDir: string;
  socketDir: string;
  /** A live server for this data directory that outlived its supervisor: adopt it, do not spawn. */
  runningPid?: number;
}

interface PreparePostgresOptions {
  /** Folder for data, socket and, where needed, binaries. */
  home: string;
  /** As root only: the user to run as. Default `postgres`, else `nobody`. */
  runAs?: string;
}

/** Idempotent; call it before every spawn. The first time it makes the data directory (1–2 s), later it takes milliseconds. */
export async function preparePostgres(options: PreparePostgresOptions): Promise<PostgresPlan> {
  const wanted = resolve(options.home);
  const { home, owner, pointer } = await findPostgresPlace(wanted, options.runAs);
  if (pointer !== undefined) {
    await makeFolder(elsewhereRoot, 0o711, undefined);
    await makeFolder(wanted, 0o700, undefined);
    await writeOwned(pointer, `${home}\n`, undefined);
  }
  const dataDir = join(home, 'data');
  const socketDir = socketDirOf(home);
  const env = { LANG: 'C', LC_ALL: 'C', TZ: 'UTC', HOME: home };
  await makeFolder(home, 0o700, owner);
  await makeSocketDir(socketDir, owner);

  const binaries = await usableBinaries(home, owner);
  await refuseOtherVersion(dataDir, binaries);
  const sharedMemory = await chooseSharedMemory(owner !== undefined);
  const [user, database] = [DATABASE_USER, DATABASE_NAME];
  if (!(await hasDatabase(dataDir)))
    await makeDatabase({ binaries, home, dataDir, user, database, env, owner, sharedMemory });
  const ownSettings = join(home, 'local.conf');
  await giveTo(ownSettings, owner).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  await writeOwned(
    join(dataDir, 'postgresql.conf'),
    postgresSettings(socketDir, ownSettings, sharedMemory),
    owner,
  );
  await writeOwned(join(dataDir, 'pg_hba.conf'), HOST_BASED_AUTHENTICATION, owner);
  const runningPid = await findLivePostmaster(dataDir, socketDir);

  return {
    command: join(binaries.root, 'bin', 'postgres'),
    args: ['-D', dataDir],
    cwd: home,
    env,
    ...(owner && { uid: owner.uid, gid: owner.gid }),
    stopSignal: 'SIGINT',
    databaseUrl: socketUrl(socketDir, DATABASE_NAME),
    dataDir,
    socketDir,
    ...(runningPid !== undefined && { runningPid }),
  };
}

/** The host in the address is a placeholder that both pg and libpq override by the socket's folder. */
function socketUrl(socketDir: string, database: string): string {
  return `postgresql://${DATABASE_USER}@localhost/${database}?host=${encodeURIComponent(socketDir)}`;
}

/** In place where the server's user can read them and their links are there, else a copy. */
async function usableBinaries(home: string, owner: PostgresOwner | undefined): Promise<PostgresBinaries> {
  const installed = await findPostgresBinaries();
  if ((await canRun(installed, owner)) && (await haveLibraryLinks(installed.root))) return installed;
  return copyPostgresBinaries(installed, join(home, `binaries-${installed.version}`));
}

/** A set-up under a strict umask leaves files that only their owner reads. */
async function canRun({ root }: PostgresBinaries, owner: PostgresOwner | undefined): Promise<boolean> {
  if (owner === undefined) return true;
  const folders = await Promise.all(
    ['bin', 'lib', 'share'].map((name) => findClosedFolder(join(root, name), owner)),
  );
  const { mode } = await stat(join(root, 'bin/postgres'));
  return folders.every((closed) => closed === undefined) && (mode & 0o005) === 0o005;
}
