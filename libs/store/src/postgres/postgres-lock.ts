import { readdir, readFile, readlink, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const ORPHAN_POLL_MS = 50;
/** Backends notice their postmaster's death at once; a busy machine may take a while to run them. */
const ORPHANS_WAIT_MS = 10_000;

/**
 * The process that serves this data directory, if one lives. After a `kill -9`: waits for the backends that outlive
 * their postmaster for a moment, since a new one refuses to start beside them.
 */
export async function findLivePostmaster(dataDir: string, socketDir: string): Promise<number | undefined> {
  const lock = await readFile(join(dataDir, 'postmaster.pid'), 'utf8').catch(() => undefined);
  if (lock === undefined) return undefined;
  const pid = Number.parseInt(lock.split('\n')[0] ?? '', 10);
  if (await isPostmaster(pid, dataDir)) return pid;
  await waitForOrphans(dataDir);
  if (isRunning(pid)) await removeLocks(dataDir, socketDir);
  return undefined;
}

/**
 * PostgreSQL clears the locks of a dead server itself, and more carefully than we could. But when the number in them
 * now belongs to a stranger, it takes that for a live server and refuses to start, for ever.
 */
async function removeLocks(dataDir: string, socketDir: string): Promise<void> {
  await rm(join(dataDir, 'postmaster.pid'), { force: true });
  await rm(join(socketDir, '.s.PGSQL.5432.lock'), { force: true });
  await rm(join(socketDir, '.s.PGSQL.5432'), { force: true });
}

async function waitForOrphans(dataDir: string): Promise<void> {
  const deadline = Date.now() + ORPHANS_WAIT_MS;
  while ((await hasProcessIn(dataDir)) && Date.now() < deadline) await sleep(ORPHAN_POLL_MS);
}

/** Every process of a server works in its data directory. Linux only; elsewhere nothing is found. */
async function hasProcessIn(dataDir: string): Promise<boolean> {
  const entries = await readdir('/proc').catch(() => []);
  const folders = await Promise.all(
    entries.filter((name) => /^\d+$/.test(name)).map((name) => readlink(`/proc/${name}/cwd`).catch(() => '')),
  );
  return folders.includes(dataDir);
}

async function isPostmaster(pid: number, dataDir: string): Promise<boolean> {
  if (!isRunning(pid)) return false;
  if (process.platform !== 'linux') return true;
  const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
  const state = (await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')).replace(/^.*\) /s, '')[0];
  return state !== 'Z' && command.includes(dataDir);
}

export function isRunning(pid: number): boolean {
  if (!(pid > 1)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
