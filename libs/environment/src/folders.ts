import { userInfo } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import type { Environment } from './environment.js';
import { FolderError } from './folder-error.js';

/**
 * Data of the embedded stack: `$MURNAU_HOME`, else `murnau` in `$XDG_DATA_HOME`, else `~/.local/share/murnau`.
 * @throws FolderError where none can be told, or the path was meant for a shell
 */
export function dataFolder(env: Environment): string {
  const given = env['MURNAU_HOME'];
  if (!given) return join(absolute(env['XDG_DATA_HOME']) ?? join(homeFolder(env), '.local/share'), 'murnau');
  if (given.trim() === '') {
    throw new FolderError(
      'MURNAU_HOME is nothing but blanks. Write the path of a folder, or unset it.',
      given,
      'the path of a folder, or nothing',
    );
  }
  if (/^~/.test(given)) {
    throw new FolderError(
      `MURNAU_HOME is ${given}: only a shell knows what ~ stands for, and this one was in quotes or in a file. ` +
        'Write the whole path, or ./~ for a folder of that name.',
      given,
      'a path without ~ at its beginning',
    );
  }
  try {
    return resolve(given);
  } catch {
    throw new FolderError(
      `MURNAU_HOME is ${given}, from the folder that this shell is in, and that folder is gone.`,
      given,
      'a whole path, or one from a folder that is there',
    );
  }
}

/** A person's settings: `$XDG_CONFIG_HOME`, else `~/.config`. @throws FolderError */
export function settingsFolder(env: Environment): string {
  return absolute(env['XDG_CONFIG_HOME']) ?? join(homeFolder(env), '.config');
}

/** By the XDG base directory specification a relative path is to be ignored. */
const absolute = (path: string | undefined): string | undefined =>
  path !== undefined && isAbsolute(path) ? path : undefined;

export function homeFolder(env: Environment): string {
  const given = absolute(env['HOME']);
  if (given !== undefined) return given;
  const known = accountName() === undefined ? undefined : userInfo().homedir;
  if (known !== undefined && isAbsolute(known)) return known;
  throw new FolderError(
    `There is no home folder: HOME is not set, and the user ${process.getuid?.() ?? ''} has none in /etc/passwd. ` +
      'Set HOME, or MURNAU_HOME for the data alone.',
    'nothing',
    'a folder that can be written',
  );
}

/** The name of the user that this process runs as; undefined where /etc/passwd has no entry for it, as in containers. */
export function accountName(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return undefined;
  }
}
