#!/usr/bin/env node
// No word of one family of models stands outside its folder: a second family needs no change elsewhere.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { root } from '../bootstrap/root.mjs';
import { familyPatterns, familyWords } from './family-words.mjs';

const table = 'libs/domain/src/families/generated.ts';
const sources = readFileSync(join(root, table), 'utf8').replace(/ as const;\s*$/, ';');
const { families } = await import(`data:text/javascript,${encodeURIComponent(sources)}`);

/** The folder of a family's code in Python: its name without punctuation. */
const folders = Object.keys(families).map((name) => name.replace(/[^a-z0-9]/g, ''));
/** What a family is written in, its line in the registries, tests, what tools make, and what is written once. */
const left = new RegExp(
  [
    String.raw`^libs/domain/src/families/(generated|registry|${Object.keys(families).join('|')})\.ts$`,
    String.raw`^python-worker/src/murnau_worker/families/(registry\.py$|(${folders.join('|')})/)`,
    String.raw`\.spec\.ts$|/testing/|/gen/|/dist/|\.golden\.txt$`,
    String.raw`^libs/store/src/database/migrations\.ts$`,
  ].join('|'),
);
const read = /\.(ts|py|proto)$/;

function filesUnder(folder) {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : filesUnder(path);
    return entry.isFile() && read.test(path) && !left.test(path) ? [relative(root, join(root, path))] : [];
  });
}

const packages = ['libs', 'apps'].flatMap((folder) =>
  readdirSync(join(root, folder)).map((name) => `${folder}/${name}/src`),
);
const files = ['protos', ...packages, 'python-worker/src/murnau_worker'].flatMap(filesUnder);
const patterns = familyPatterns(families);
let problems = 0;
for (const file of files) {
  for (const { line, word } of familyWords(file, readFileSync(join(root, file), 'utf8'), patterns)) {
    console.error(`${file}${line === 0 ? '' : `:${line}`}: says ${word}, which only one family knows`);
    problems += 1;
  }
}
if (files.length < 500) {
  console.error(`only ${files.length} files were read`);
  problems += 1;
}
console.error(`${files.length} files, ${patterns.length} words, ${problems} problems`);
process.exitCode = problems > 0 ? 1 : 0;
