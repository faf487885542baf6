import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { MurnauError } from '@murnau/domain';
import type { PostgresBinaries } from './postgres-binaries.js';
import { makeFolder } from './postgres-folders.js';
import { isRunning } from './postgres-lock.js';
import type { PostgresOwner } from './postgres-owner.js';
import type { DynamicSharedMemory } from './postgres-settings.js';

const execute = promisify(execFile);

interface MakeDatabase {
  binaries: PostgresBinaries;
  home: string;
  dataDir: string;
  user: string;
  database: string;
  env: Record<string, string>;
  owner: PostgresOwner | undefined;
  sharedMemory: DynamicSharedMemory;
}

/**
 * Whether a database lies in `dataDir`. An empty folder of that name is removed: it holds nothing that could be lost.
 * @throws MurnauError `setup.postgres_failed` for a folder with something else, or only parts of a database
 */
export async function hasDatabase(dataDir: string): Promise<boolean> {
  const names = await readdir(dataDir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (names === undefined) return false;
  if (names.length === 0) {
    await rmdir(dataDir);
    return false;
  }
  const missing = ['PG_VERSION', 'global/pg_control'].filter((name) => !existsSync(join(dataDir, name)));
  if (missing.length === 0) return true;
  throw new MurnauError(
    'setup.postgres_failed',
    `${dataDir} is not a whole database: it lacks ${missing.join(' and ')}. Bring it back from a copy, or move the ` +
      'folder away to begin with an empty database.',
    { given: dataDir, allowed: 'a database, or no such folder' },
  );
}

export async function refuseOtherVersion(dataDir: string, binaries: PostgresBinaries): Promise<void> {
  const found = (await readFile(join(dataDir, 'PG_VERSION'), 'utf8').catch(() => undefined))?.trim();
  const wanted = binaries.version.split('.')[0];
  if (found === undefined || found === wanted) return;
  throw new MurnauError(
    'setup.postgres_failed',
    `The database in ${dataDir} was made by PostgreSQL ${found}; this install brings ${wanted}, which cannot read it.`,
    { given: found, ...(wanted !== undefined && { allowed: wanted }) },
  );
}

/** Built beside its place and renamed, so that a crash midway leaves nothing that looks like a database. */
export async function makeDatabase(options: MakeDatabase): Promise<void> {
  const { binaries, home, dataDir, env, owner } = options;
  await removeUnfinished(dataDir);
  const unfinished = `${dataDir}.new-${process.pid}`;
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
        options.user,
        '--auth=trust',
        '--encoding=UTF8',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        '--locale=C',
        ...['--set', `dynamic_shared_memory_type=${options.sharedMemory}`],
      ],
      identity,
    );
    await runSingleUser(binary('postgres'), unfinished, `CREATE DATABASE ${options.database};\n`, identity);
    await rename(unfinished, dataDir);
  } catch (cause) {
    await rm(unfinished, { recursive: true, force: true });
    const detail = (cause as { stderr?: string }).stderr?.trim() || (cause as Error).message;
    throw new MurnauError(
      'setup.postgres_failed',
      `PostgreSQL could not make its database in ${dataDir}: ${detail}`,
      { cause },
    );
  }
}

/** What first starts left behind that were killed midway. */
async function removeUnfinished(dataDir: string): Promise<void> {
  const prefix = `${basename(dataDir)}.new-`;
  for (const name of await readdir(dirname(dataDir))) {
    const pid = name.startsWith(prefix) ? Number(name.slice(prefix.length)) : NaN;
    if (Number.isNaN(pid) || (pid !== process.pid && isRunning(pid))) continue;
    await rm(join(dirname(dataDir), name), { recursive: true, force: true });
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
