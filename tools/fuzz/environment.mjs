// schemathesis in an environment of its own, made when it is first needed: people who only use murnau need none of it.
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { findPython } from '../bootstrap/python/interpreter.mjs';
import { root } from '../bootstrap/root.mjs';
import { run } from '../bootstrap/run.mjs';

export const requirements = 'tools/fuzz/requirements.in';
/** For every Python and platform that murnau runs on; `npm run locks` writes it. */
export const lockFile = 'tools/fuzz/requirements.lock';

/** @returns {Promise<string>} path of its Python */
export async function fuzzPython() {
  const lock = await readFile(join(root, lockFile));
  const folder = join(root, '.cache/fuzz', createHash('sha256').update(lock).digest('hex').slice(0, 12));
  const python = join(folder, 'bin/python');
  const done = join(folder, 'done');
  if (existsSync(done)) return python;
  await rm(folder, { recursive: true, force: true });
  const { python: base } = await findPython();
  await run('fuzz-venv', base, ['-m', 'venv', folder], { what: 'Making an environment for schemathesis' });
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--require-hashes'];
  await run('fuzz-pip', python, [...pip, '-r', join(root, lockFile)], { what: 'Installing schemathesis' });
  await writeFile(done, '');
  return python;
}
