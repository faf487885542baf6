import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { delimiter, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { shellWord } from '@murnau/environment';

/** This checkout's launcher; this file lies in apps/cli/dist/core. */
export const launcher = fileURLToPath(new URL('../../../../bin/murnau', import.meta.url));

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

const isSameFile = (one: string, other: string): boolean => {
  try {
    return realpathSync(one) === realpathSync(other);
  } catch {
    return false;
  }
};

/** Folders that a shell searches. npm puts node_modules/.bin before what the person's shell has. */
export const searchedFolders = (searchPath: string): string[] =>
  searchPath.split(delimiter).filter((folder) => folder !== '' && !folder.endsWith('/node_modules/.bin'));

/** Whether the word `murnau` starts this checkout's launcher. */
export function isOnPath(searchPath: string, file = launcher): boolean {
  const first = searchedFolders(searchPath)
    .map((folder) => join(folder, 'murnau'))
    .find(isExecutable);
  return first !== undefined && isSameFile(first, file);
}

/** What starts murnau in a folder: the word where PATH leads to the launcher, else the launcher's path. */
export function commandName(searchPath: string, folder: string | undefined, file = launcher): string {
  if (isOnPath(searchPath, file)) return 'murnau';
  return folder !== undefined && relative(folder, file) === 'bin/murnau' ? 'bin/murnau' : shellWord(file);
}

/** Undefined: it was removed. */
function currentFolder(): string | undefined {
  try {
    return process.cwd();
  } catch {
    return undefined;
  }
}

/** Writes each command of ours that a text names, such as `murnau runs ls`, as it has to be typed here. */
export type Spell = (text: string) => string;

/** @param nouns words that may follow `murnau`: prose about murnau is left alone */
export function createSpell(searchPath: string, nouns: readonly string[], folder?: string): Spell {
  const commands = new RegExp(`(?<![\\w/.'-])murnau(?= (?:${nouns.join('|')})\\b)`, 'g');
  let name: string | undefined;
  return (text) =>
    text.replace(commands, () => (name ??= commandName(searchPath, folder ?? currentFolder())));
}
