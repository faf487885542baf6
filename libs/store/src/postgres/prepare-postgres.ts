import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { MurnauError } from '@murnau/domain';
import {
  copyPostgresBinaries,
  findPostgresBinaries,
  haveLibraryLinks,
  type PostgresBinaries,
} from './postgres-binaries.js';
import { findLivePostmaster } from './postgres-lock.js';
import { canTraverse, findPostgresOwner, type PostgresOwner } from './postgres-owner.js';
import { HOST_BASED_AUTHENTICATION, postgresSettings } from './postgres-settings.js';

const execute = promisify(execFile);
const DATABASE_USER = 'murnau';
const DATABASE_NAME = 'murnau';
/** `sun_path` is 108 bytes with its end; the server appends `/.s.PGSQL.5432`. */
const LONGEST_SOCKET_DIR = 107 - '/.s.PGSQL.5432'.length;

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

export interface PreparePostgresOptions {
  /** Folder for data, socket and, where needed, binaries. */
  home: string;
  /** As root only: the user to run as. Default `postgres`, else `nobody`. */
  runAs?: string;
}

/** Idempotent; call it before every spawn. The first time it makes the data directory (1–2 s), later it takes milliseconds. */
export async function preparePostgres(options: PreparePostgresOptions): Promise<PostgresPlan> {
  const owner = await findPostgresOwner(options.runAs);
  const home = await reachableHome(resolve(options.home), owner);
  const dataDir = join(home, 'data');
  const socketDir = shortSocketDir(home);
  const env = { LANG: 'C', LC_ALL: 'C', TZ: 'UTC', HOME: home };
  await makeFolder(home, 0o755, owner);
  await makeFolder(socketDir, 0o700, owner);

  const binaries = await usableBinaries(home, owner);
  await refuseOtherVersion(dataDir, binaries);
  if (!existsSync(dataDir)) await makeDatabase({ binaries, home, dataDir, env, owner });
  await writeOwned(
    join(dataDir, 'postgresql.conf'),
    postgresSettings(socketDir, join(home, 'local.conf')),
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
export function socketUrl(socketDir: string, database: string): string {
  return `postgresql://${DATABASE_USER}@localhost/${database}?host=${encodeURIComponent(socketDir)}`;
}

async function reachableHome(home: string, owner: PostgresOwner | undefined): Promise<string> {
  if (owner === undefined || (await canTraverse(home, owner))) return home;
  return join('/var/lib/murnau', shortHash(home));
}

function shortSocketDir(home: string): string {
  const beside = join(home, 'socket');
  return Buffer.byteLength(beside) <= LONGEST_SOCKET_DIR
    ? beside
    : join('/tmp', `murnau-pg-${shortHash(home)}`);
}

/** In place where the server's user can read them and their links are there, else a copy. */
async function usableBinaries(home: string, owner: PostgresOwner | undefined): Promise<PostgresBinaries> {
  const installed = await findPostgresBinaries();
  const isReachable = owner === undefined || (await canTraverse(join(installed.root, 'bin'), owner));
  if (isReachable && (await haveLibraryLinks(installed.root))) return installed;
  return copyPostgresBinaries(installed, join(home, `binaries-${installed.version}`));
}

async function refuseOtherVersion(dataDir: string, binaries: PostgresBinaries): Promise<void> {
  const found = (await readFile(join(dataDir, 'PG_VERSION'), 'utf8').catch(() => undefined))?.trim();
  const wanted = binaries.version.split('.')[0];
  if (found === undefined || found === wanted) return;
  throw new MurnauError(
    'setup.postgres_failed',
    `The database in ${dataDir} was made by PostgreSQL ${found}; this install brings ${wanted}, which cannot read it.`,
    { given: found, ...(wanted !== undefined && { allowed: wanted }) },
  );
}

interface MakeDatabase {
  binaries: PostgresBinaries;
  home: string;
  dataDir: string;
  env: Record<string, string>;
  owner: PostgresOwner | undefined;
}

/** Built beside its place and renamed, so that a crash midway leaves nothing that looks like a database. */
async function makeDatabase({ binaries, home, dataDir, env, owner }: MakeDatabase): Promise<void> {
  const unfinished = `${dataDir}.new-${process.pid}`;
  await rm(unfinished, { recursive: true, force: true });
  await makeFolder(unfinished, 0o700, owner);
  const identity = { cwd: home, env, ...(owner && { uid: owner.uid, gid: owner.gid }) };
  const binary = (name: string) => join(binaries.root, 'bin', name);
  try {
    await execute(
      binary('initdb'),
      [
        '-D',
        unfinished,
        '-U',
        DATABASE_USER,
        '--auth=trust',
        '--encoding=UTF8',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        '--locale=C',
      ],
      identity,
    );
    await runSingleUser(binary('postgres'), unfinished, `CREATE DATABASE ${DATABASE_NAME};\n`, identity);
    await rename(unfinished, dataDir);
  } catch (cause) {
    await rm(unfinished, { recursive: true, force: true });
    const detail = (cause as { stderr?: string }).stderr?.trim() ?? (cause as Error).message;
    throw new MurnauError(
      'setup.postgres_failed',
      `PostgreSQL could not make its database in ${dataDir}: ${detail}`,
      { cause },
    );
  }
}

async function runSingleUser(
  command: string,
  dataDir: string,
  sql: string,
  identity: { cwd: string; env: Record<string, string>; uid?: number; gid?: number },
): Promise<void> {
  const child = spawn(command, ['--single', '-D', dataDir, 'postgres'], {
    ...identity,
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin.end(sql);
  const code = await new Promise<number | null>((done, fail) =>
    child.once('error', fail).once('close', done),
  );
  if (code !== 0 || stderr.includes('ERROR')) throw new Error(stderr.trim());
}

async function makeFolder(path: string, mode: number, owner: PostgresOwner | undefined): Promise<void> {
  await mkdir(path, { recursive: true });
  await chmod(path, mode);
  if (owner !== undefined) await chown(path, owner.uid, owner.gid);
}

async function writeOwned(path: string, text: string, owner: PostgresOwner | undefined): Promise<void> {
  if ((await readFile(path, 'utf8').catch(() => undefined)) === text) return;
  await writeFile(path, text, { mode: 0o600 });
  if (owner !== undefined) await chown(path, owner.uid, owner.gid);
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}
