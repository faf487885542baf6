import { constants, existsSync } from 'node:fs';
import { access, lstat, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { findOpenPaths } from '../../data-folder.js';
import type { StackPaths } from '../../paths.js';
import { met, unmet, type Lack, type Requirement } from './requirement.js';

const part = 'data folder';
/** A first start writes 50 MB; below this it would only find out in the middle. */
const firstStartBytes = 200e6;
/** Below this the database stops taking writes sooner or later. */
const warningBytes = 2e9;

/** Of file systems that show what the kernel knows, by statfs(2): proc, sysfs, cgroup, cgroup2, debugfs. */
const withoutFiles = new Set([0x9fa0, 0x62656572, 0x27e0eb, 0x63677270, 0x64626720]);

/** In megabytes below a gigabyte, so that too little does not read as what is needed. */
export const inBytes = (bytes: number): string =>
  bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.floor(bytes / 1e6)} MB`;

const lack = (home: string, detail: string, mend: string): Lack => ({
  code: 'setup.home_unusable',
  detail,
  mend,
  field: 'MURNAU_HOME',
  given: home,
  allowed: 'a folder that this user can write, or the path of a new one in such a folder',
});
const another = 'choose another folder: MURNAU_HOME=/path';

/** Whether the folder is there and ours, or can be made. Changes nothing. */
export async function checkDataFolder(paths: StackPaths): Promise<Requirement[]> {
  const { home } = paths;
  const place = await nearestPlace(home);
  const problem = (await placeProblem(home, place)) ?? (await ownerProblem(paths));
  return problem === undefined
    ? [await checkModes(paths), await checkDisk(paths, place)]
    : [unmet(part, problem)];
}

/** The folder itself, or the nearest one above it that can be looked at. */
async function nearestPlace(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined || path === dirname(path) ? path : nearestPlace(dirname(path));
}

async function placeProblem(home: string, place: string): Promise<Lack | undefined> {
  const isItself = place === home;
  const link = await lstat(home).catch(() => undefined);
  if (!isItself && link?.isSymbolicLink() === true) {
    return lack(home, `The data folder ${home} is a link that leads nowhere`, another);
  }
  const { isFolder, uid } = await stat(place).then((found) => ({
    isFolder: found.isDirectory(),
    uid: found.uid,
  }));
  const named = isItself
    ? `The data folder ${home}`
    : `${place}, where the data folder ${home} would be made,`;
  if (!isFolder) return lack(home, `${named} is a file`, another);
  if (process.platform === 'linux' && withoutFiles.has((await statfs(place)).type)) {
    return lack(home, `${named} cannot hold files`, another);
  }
  const refusal = await access(place, constants.R_OK | constants.W_OK | constants.X_OK).then(
    () => undefined,
    (error: NodeJS.ErrnoException) => error.code,
  );
  if (refusal === undefined) return undefined;
  const why = refusal === 'EROFS' ? 'lies on a read-only file system' : `cannot be written (owner ${uid})`;
  return lack(home, `${named} ${why}`, another);
}

/** Data of somebody else: the database only opens for the user who made it, and the token is that user's. */
async function ownerProblem({ home, token }: StackPaths): Promise<Lack | undefined> {
  const made = await stat(token).catch(() => undefined);
  const self = process.getuid?.();
  if (made === undefined || self === undefined || made.uid === self) return undefined;
  return lack(
    home,
    `The data in ${home} belong to the user ${made.uid}, and this is the user ${self}`,
    `run murnau as that user, or ${another}`,
  );
}

async function checkModes(paths: StackPaths): Promise<Requirement> {
  const open = await findOpenPaths(paths);
  if (open.length === 0) return met(part, `${paths.home}, closed to other users`);
  const shown = open.slice(0, 3).join(', ');
  return {
    part,
    ok: false,
    detail: `other users may look into ${shown}${open.length > 3 ? ` and ${open.length - 3} more` : ''}`,
    mend: 'murnau up',
  };
}

async function checkDisk({ home, token }: StackPaths, place: string): Promise<Requirement> {
  const { bavail, bsize, files, ffree } = await statfs(place);
  const freeBytes = bavail * bsize;
  const isNew = !existsSync(token);
  // File systems that make inodes as they need them say that they have none.
  const isOutOfFiles = files > 0 && ffree < 2_000;
  const detail = isOutOfFiles
    ? `There is room for ${ffree} more files in ${home}`
    : `${inBytes(freeBytes)} are free for ${home}`;
  const mend = 'free some space, or choose a larger disk: MURNAU_HOME=/path';
  if (freeBytes >= warningBytes && !isOutOfFiles) return met('disk', detail);
  if (isNew && (freeBytes < firstStartBytes || isOutOfFiles)) {
    const needed = `${detail}, where a first start needs ${inBytes(firstStartBytes)} and 2000 files`;
    return unmet('disk', {
      code: 'setup.home_unusable',
      detail: needed,
      mend,
      field: 'MURNAU_HOME',
      given: home,
    });
  }
  return { part: 'disk', ok: false, detail, mend };
}
