import type { StackPaths } from '../../paths.js';
import { checkDataFolder } from './data-folder.js';
import { checkDataPath } from './data-path.js';
import { checkDatabasePlace } from './database-place.js';
import { checkLoopback, checkOpenFiles, checkProxy, checkTemporary, openFilesLimit } from './machine.js';
import type { Requirement } from './requirement.js';

/** Whether the data folder can be used, before anything is made of it. */
export async function checkHome(paths: StackPaths): Promise<Requirement[]> {
  const path = checkDataPath(paths.home);
  return path.ok ? [path, ...(await checkDataFolder(paths))] : [path];
}

/** What the parts will meet on this machine; the data folder is there. */
export async function checkMachine(paths: StackPaths): Promise<Requirement[]> {
  const [loopback, limit, place] = await Promise.all([
    checkLoopback(),
    openFilesLimit(),
    checkDatabasePlace(paths),
  ]);
  return [loopback, checkOpenFiles(limit), checkProxy(), checkTemporary(paths), ...place];
}
