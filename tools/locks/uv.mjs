// uv, which resolves the lock files, in an environment of its own: people who only install need none of it.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { findPython } from '../bootstrap/python/interpreter.mjs';
import { root } from '../bootstrap/root.mjs';
import { run } from '../bootstrap/run.mjs';

const version = '0.13.9';
const folder = join(root, '.cache/locks', `uv-${version}`);

/** @returns {Promise<string>} path of the program */
export async function uv() {
  const program = join(folder, 'bin/uv');
  if (existsSync(program)) return program;
  const { python } = await findPython();
  await run('uv-venv', python, ['-m', 'venv', folder], { what: 'Making an environment for uv' });
  await run('uv-pip', join(folder, 'bin/python'), ['-m', 'pip', 'install', '--quiet', `uv==${version}`], {
    what: `pip install uv==${version}`,
  });
  return program;
}
