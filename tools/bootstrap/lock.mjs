import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from './root.mjs';
import { say } from './say.mjs';

const path = join(root, '.cache/bootstrap/lock');

const isAlive = (pid) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
};

/** One bootstrap at a time in a checkout; a lock whose process is gone counts for nothing. */
export async function withLock(work) {
  await mkdir(join(root, '.cache/bootstrap'), { recursive: true });
  let told = false;
  for (;;) {
    try {
      const handle = await open(path, 'wx');
      await handle.writeFile(String(process.pid));
      await handle.close();
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      const pid = Number(await readFile(path, 'utf8').catch(() => ''));
      if (pid && !isAlive(pid)) {
        await rm(path, { force: true });
        continue;
      }
      if (!told) say(`waiting for another set-up of this checkout to end${pid ? ` (process ${pid})` : ''}`);
      told = true;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}
