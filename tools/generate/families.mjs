// The families' descriptions of the worker as data for TypeScript. The file is committed: TypeScript is built before
// Python is set up. python-worker/tests/test_family_table.py says where it is out of date.
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { venvPython } from '../bootstrap/python/venv.mjs';
import { root } from '../bootstrap/root.mjs';

const out = join(root, 'libs/domain/src/families/generated.ts');

export async function generateFamilies() {
  const { stdout } = await promisify(execFile)(venvPython, ['-m', 'murnau_worker.families.table'], {
    cwd: root,
    env: { ...process.env, PYTHONPATH: join(root, 'python-worker/src') },
  });
  const source = [
    "/** Made by `npm run generate` from the families' descriptions in python-worker: do not edit. */",
    `export const families = ${JSON.stringify(JSON.parse(stdout))} as const;`,
  ].join('\n');
  const config = await resolveConfig(out);
  await mkdir(dirname(out), { recursive: true });
  await writeFile(out, await format(source, { ...config, parser: 'typescript' }));
}
