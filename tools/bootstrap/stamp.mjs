import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from './root.mjs';

const folder = join(root, '.cache/bootstrap');
const skipped = new Set(['node_modules', 'dist', 'gen', '__pycache__', '.venv']);

async function filesUnder(path) {
  const entries = await readdir(path, { withFileTypes: true }).catch((error) => {
    if (error.code === 'ENOTDIR') return null;
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  if (entries === null) return [path];
  const nested = await Promise.all(
    entries.filter((entry) => !skipped.has(entry.name)).map((entry) => filesUnder(join(path, entry.name))),
  );
  return nested.flat();
}

/** Hash of the contents of files and folders (relative to the checkout) and of plain values. */
export async function hashOf(paths, values = []) {
  const files = (await Promise.all(paths.map((path) => filesUnder(join(root, path))))).flat().sort();
  const contents = await Promise.all(files.map((file) => readFile(file)));
  const hash = createHash('sha256').update(JSON.stringify(values));
  files.forEach((file, i) =>
    hash.update(`\0${file.slice(root.length)}\0${contents[i].length}\0`).update(contents[i]),
  );
  return hash.digest('hex');
}

export const readStamp = (name) => readFile(join(folder, `${name}.stamp`), 'utf8').catch(() => null);

export const clearStamp = (name) => rm(join(folder, `${name}.stamp`), { force: true });

export async function writeStamp(name, value) {
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${name}.stamp`);
  await writeFile(`${path}.${process.pid}`, value);
  await rename(`${path}.${process.pid}`, path);
}

/** Does `work` unless the inputs are those of the last time and every output is still there. */
export async function whenChanged(name, { hash, outputs }, work) {
  if ((await readStamp(name)) === hash && outputs.every((path) => existsSync(join(root, path)))) return false;
  await clearStamp(name);
  await work();
  await writeStamp(name, hash);
  return true;
}
