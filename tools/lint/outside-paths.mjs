// Which paths written in a file lead out of the checkout: nothing of the project may read there (it is not there on
// another machine).
import { posix } from 'node:path';

const climbing = /(?<![\w./])(?:\.\.\/)+[^\s'"`)\]}>,;|*]*|(?<=['"`])\.\.(?=['"`])/g;
/** `join(root, '../x')`, `root / ".." / "x"`, `f"{ROOT}/../x"`: relative to the checkout, not to the file. */
const fromRoot = /\b(?:root|checkout|REPOSITORY|ROOT)\b\}?["'`]?\s*[,/+]\s*["'`]?\s*(\.\.(?:\/[^\s'"`)]*)?)/g;
/** A folder of a Python file's path, counted upwards. */
const pythonParents = /__file__\)(?:\.resolve\(\))?\.parents\[(\d+)\]/g;
const rootsParent = /\b(?:REPOSITORY|ROOT)\.parent\b/g;
const someonesFolder = /(?<=["'`\s=(])\/(?:work|root|home\/\w+|Users\/\w+)\/[^\s'"`)]*/g;

const leadsOut = (path) => path === '..' || path.startsWith('../');

/**
 * @param {string} file its path, relative to the checkout
 * @param {string} text
 * @returns {{ line: number, path: string }[]}
 */
export function outsidePaths(file, text) {
  const folder = posix.dirname(file);
  const found = [];
  const add = (match, path) => found.push({ line: text.slice(0, match.index).split('\n').length, path });
  for (const match of text.matchAll(climbing))
    if (leadsOut(posix.normalize(posix.join(folder, match[0])))) add(match, match[0]);
  for (const match of text.matchAll(fromRoot)) if (leadsOut(posix.normalize(match[1]))) add(match, match[0]);
  for (const match of text.matchAll(pythonParents))
    if (Number(match[1]) >= file.split('/').length) add(match, match[0]);
  for (const pattern of [rootsParent, someonesFolder])
    for (const match of text.matchAll(pattern)) add(match, match[0]);
  return found;
}
