import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * The process that serves this data directory, if one lives; otherwise what a `kill -9` left behind is removed.
 * PostgreSQL does the same by itself unless the number in its lock file now belongs to a stranger: then it refuses to
 * start, for ever. So the process is looked at, not only its number.
 */
export async function livePostmasterOrClean(dataDir: string, socketDir: string): Promise<number | undefined> {
  const pidFile = join(dataDir, 'postmaster.pid');
  const lock = await readFile(pidFile, 'utf8').catch(() => undefined);
  if (lock === undefined) return undefined;
  const pid = Number.parseInt(lock.split('\n')[0] ?? '', 10);
  if (await isPostmaster(pid, dataDir)) return pid;
  await rm(pidFile, { force: true });
  await rm(join(socketDir, '.s.PGSQL.5432.lock'), { force: true });
  await rm(join(socketDir, '.s.PGSQL.5432'), { force: true });
  return undefined;
}

async function isPostmaster(pid: number, dataDir: string): Promise<boolean> {
  if (!(pid > 1) || !isAlive(pid)) return false;
  if (process.platform !== 'linux') return true;
  const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
  const state = (await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')).replace(/^.*\) /s, '')[0];
  return state !== 'Z' && command.includes(dataDir);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
