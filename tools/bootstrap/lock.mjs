import { link, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Problem } from './problem.mjs';
import { identify, isAlive, killGroup } from './processes.mjs';
import { root } from './root.mjs';
import { say } from './say.mjs';

const folder = join(root, '.cache/bootstrap');
const path = join(folder, 'lock');

/** Who holds the lock: a process, and the leaders of what it runs; null where the text says nothing of the kind. */
function holderIn(text) {
  try {
    const { pid, started, children } = JSON.parse(text);
    return Array.isArray(children) ? { pid, started, children } : null;
  } catch {
    return null;
  }
}

const read = () => readFile(path, 'utf8').catch(() => null);

/** Complete at once, or not there: made beside it, and linked. */
async function take() {
  const temporary = `${path}.${process.pid}`;
  try {
    await writeFile(temporary, JSON.stringify({ ...(await identify(process.pid)), children: [] }));
    await link(temporary, path);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

let noted = Promise.resolve();

/**
 * Notes the leaders of the process groups that a set-up runs, so that one that takes over can end them.
 * @param {() => number[]} pids
 */
export function noteChildren(pids) {
  noted = noted.then(async () => {
    const held = holderIn(await read());
    if (held?.pid !== process.pid) return;
    const temporary = `${path}.${process.pid}`;
    const children = await Promise.all(pids().map(identify));
    await writeFile(temporary, JSON.stringify({ ...held, children }));
    await rename(temporary, path);
  });
  return noted;
}

/** Removes the lock if it is still the one of `text`: another set-up may have taken it over meanwhile. */
async function remove(text) {
  const aside = `${path}.aside.${process.pid}`;
  await rename(path, aside).catch(() => {});
  if ((await readFile(aside, 'utf8').catch(() => null)) !== text) await link(aside, path).catch(() => {});
  await rm(aside, { recursive: true, force: true });
}

async function waitForTurn() {
  let told = false;
  while (!(await take())) {
    const text = await read();
    const held = holderIn(text);
    if (held !== null && (await isAlive(held))) {
      if (!told) say(`waiting for another set-up of this checkout to end (process ${held.pid})`);
      told = true;
      await new Promise((resolve) => setTimeout(resolve, 300));
      continue;
    }
    // A set-up that was killed left npm or pip at work: they would write beside this one.
    for (const child of held?.children ?? []) if (await isAlive(child)) killGroup(child.pid, 'SIGKILL');
    await remove(text);
  }
}

async function owner() {
  const { uid } = await stat(root);
  return uid === process.getuid?.() ? 'you' : `user ${uid}`;
}

/** One set-up at a time in a checkout; a lock whose process is gone counts for nothing. */
export async function withLock(work) {
  try {
    await mkdir(folder, { recursive: true });
    await waitForTurn();
  } catch (error) {
    if (!['EACCES', 'EPERM', 'EROFS'].includes(error.code)) throw error;
    throw new Problem(
      `This user may not write in ${root} (${error.code}), which belongs to ${await owner()}.`,
      'Let its owner run `npm run bootstrap` there and use bin/murnau, or clone it anew as this user.',
    );
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}
