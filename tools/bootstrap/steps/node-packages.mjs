import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { existsSync } from 'node:fs';
import { cacheArguments } from '../caches.mjs';
import { Problem } from '../problem.mjs';
import { root } from '../root.mjs';
import { run } from '../run.mjs';

const readLock = (path) =>
  readFile(join(root, path), 'utf8').then(
    (text) => JSON.parse(text).packages,
    () => null,
  );

/**
 * What npm recorded in node_modules against what package-lock.json asks for. More exact than a stamp: it also sees
 * an `npm install` that someone ran by hand, and does not repeat it.
 */
async function firstDifference() {
  const wanted = await readLock('package-lock.json');
  if (!wanted)
    throw new Problem(
      'package-lock.json is missing or not JSON.',
      'Restore it: git checkout package-lock.json',
    );
  const installed = await readLock('node_modules/.package-lock.json');
  if (!installed) return 'no node_modules yet';
  for (const [path, entry] of Object.entries(wanted)) {
    if (!path.startsWith('node_modules/') && !path.includes('/node_modules/')) continue;
    const found = installed[path];
    if (!found) {
      if (entry.optional) continue; // made for another platform
      return `${path} is not installed`;
    }
    if (!entry.link && found.version !== entry.version)
      return `${path} is ${found.version}, not ${entry.version}`;
    if (!existsSync(join(root, path))) return `${path} is gone`;
  }
  return null;
}

/** npm of the Node that runs this script, wherever PATH points. */
function npm() {
  const bundled = join(dirname(process.execPath), '../lib/node_modules/npm/bin/npm-cli.js');
  const own = process.env.npm_execpath;
  if (own?.endsWith('.js') && existsSync(own)) return [process.execPath, [own]];
  return existsSync(bundled) ? [process.execPath, [bundled]] : ['npm', []];
}

export async function installNodePackages(tell) {
  const difference = await firstDifference();
  if (!difference) return false;
  tell(`npm install (${difference}; 0.3 GB in all)`);
  const [command, prefix] = npm();
  // Not `npm ci`: it begins by deleting node_modules. With --no-save the lock decides all versions just the same and is
  // left as it is.
  await run(
    'npm',
    command,
    [
      ...[...prefix, 'install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'],
      ...(await cacheArguments('npm')),
    ],
    {
      what: 'npm install',
      env: { PATH: `${dirname(process.execPath)}:${process.env.PATH}` },
    },
  );
  const left = await firstDifference();
  if (left)
    throw new Problem(
      `npm installed something else than package-lock.json asks for: ${left}.`,
      'Run `npm install` and look at what changes in package-lock.json.',
    );
  return true;
}
