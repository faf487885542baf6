import { randomBytes } from 'node:crypto';
import { link, readFile, rename, rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeBeside } from './files.js';
import { identify, isAlive, processIdentitySchema, type ProcessIdentity } from './identity.js';

async function holderOf(path: string): Promise<{ text: string; identity: ProcessIdentity | null } | null> {
  const text = await readFile(path, 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    return { text, identity: processIdentitySchema.parse(JSON.parse(text)) };
  } catch {
    return { text, identity: null };
  }
}

/** Takes the lock if nobody alive holds it. A lock file appears complete, so it always names its holder. */
export async function tryLock(path: string): Promise<boolean> {
  const own = await identify(process.pid);
  const temporary = await writeBeside(path, JSON.stringify(own));
  try {
    for (;;) {
      try {
        await link(temporary, path);
        return true;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const holder = await holderOf(path);
      if (holder?.identity && (await isAlive(holder.identity))) return false;
      if (holder) await removeStale(path, holder.text);
    }
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Two processes may find the same stale lock: what is removed must still be what was judged. */
async function removeStale(path: string, judged: string): Promise<void> {
  const aside = `${path}.stale.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if ((await readFile(aside, 'utf8')) !== judged) await link(aside, path).catch(() => {});
  await rm(aside, { force: true });
}

export const unlock = (path: string): Promise<void> => rm(path, { force: true });

/** Runs `work` while no other process does so under the same lock. */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  while (!(await tryLock(path))) await sleep(50);
  try {
    return await work();
  } finally {
    await unlock(path);
  }
}

/** As `withLock`, but does the work all the same where no lock can be written: the disk is full, the folder is gone. */
export async function withLockIfPossible<T>(path: string, work: () => Promise<T>): Promise<T> {
  for (;;) {
    const isLocked = await tryLock(path).catch(() => 'impossible' as const);
    if (isLocked === 'impossible') return work();
    if (isLocked) break;
    await sleep(50);
  }
  return work().finally(() => unlock(path).catch(() => {}));
}
