// Which paths written in a file lead out of the checkout: nothing of the project may read there (it is not there on
// another machine).
import { posix } from 'node:path';

const climbing = /(?<![\w./])(?:\.\.\/)+[^\s'"`)\]}>,;|*]*|(?<=['"`])\.\.(?=['"`])/g;
/** What names the checkout in a program. */
const rootName = String.raw`\b(?:root|checkout|repository|repo|REPOSITORY|REPO|ROOT)\b`;
/** `join(root, '../x')`, `root / ".." / "x"`, `f"{ROOT}/../x"`: relative to the checkout, not to the file. */
const fromRoot = new RegExp(
  `${rootName}\\}?["'\`]?\\s*[,/+]\\s*["'\`]?\\s*([\\w./-]*\\.\\.(?:/[^\\s'"\`)]*)?)`,
  'g',
);
/** `dirname(root)`, `ROOT.parent`, `ROOT.parents[0]`. */
const aboveRoot = new RegExp(`dirname\\(${rootName}\\)|${rootName}\\.parents?\\b`, 'g');
/** A folder of a program's own path, counted upwards: in Python, and as `'..', '..'` in arguments. */
const pythonParents = /__file__\)(?:\.(?:resolve|absolute)\(\))?\.parents\[(\d+)\]/g;
const parentChain = /__file__\)(?:\.(?:resolve|absolute)\(\))?((?:\.parent\b)+)/g;
const climbingArguments = /(?:(['"`])\.\.\1\s*,\s*)+(['"`])\.\.\2/g;
const someonesFolder =
  /(?<=["'`\s=(]|file:\/\/)\/(?:work|root|home\/\w+|Users\/\w+|workspace|srv)(?=["'`/)\s])[^\s'"`)]*/g;
/** A folder of goldens, pictures or models that somebody's environment names. */
const environmentFolder = /MURNAU_GOLDENS/g;

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
  const depth = file.split('/').length;
  for (const match of text.matchAll(pythonParents)) if (Number(match[1]) >= depth) add(match, match[0]);
  for (const match of text.matchAll(parentChain))
    if (match[1].split('.parent').length - 1 > depth) add(match, match[0]);
  for (const match of text.matchAll(climbingArguments))
    if (match[0].split('..').length - 1 >= depth) add(match, match[0]);
  // Pages and unit tests name such folders without opening them.
  const machine = /\.md$|\.spec\.(ts|mjs)$/.test(file) ? [] : [someonesFolder];
  for (const pattern of [aboveRoot, environmentFolder, ...machine])
    for (const match of text.matchAll(pattern)) add(match, match[0]);
  return found;
}
