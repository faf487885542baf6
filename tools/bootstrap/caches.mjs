// Where npm and pip keep downloads: their own folders, or the checkout's where those cannot be written.
import { access, constants, mkdir, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { root } from './root.mjs';

const own = {
  npm: () => process.env.npm_config_cache ?? join(homedir(), '.npm'),
  pip: () =>
    process.env.PIP_CACHE_DIR ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'pip'),
};
const flags = { npm: '--cache', pip: '--cache-dir' };

async function isWritable(folder) {
  const probe = join(folder, `.murnau-${process.pid}`);
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK | constants.X_OK);
    await writeFile(probe, '');
    await rm(probe);
    return true;
  } catch {
    return false;
  }
}

/** Arguments of `npm install` or `pip install`; none where the tool's own folder serves. */
export async function cacheArguments(tool) {
  if (await isWritable(own[tool]())) return [];
  return [flags[tool], join(root, '.cache', tool)];
}
