#!/usr/bin/env node
// Nothing in the project reads a path outside its own folder. What lint cannot see, .ci/run does: it runs the tests in a
// clone that has nothing beside it.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { root } from '../bootstrap/root.mjs';
import { outsidePaths } from './outside-paths.mjs';

/** Lock files, recordings and pictures hold nothing that anybody opens; the lint's own examples are meant to lead out. */
const left =
  /package-lock\.json|python-worker\/(locks|tests\/goldens)\/|\/histories\/|\/golden\/|\.(png|jpe?g|webp|bin|binpb|safetensors|pt|ckpt|th|model|tsbuildinfo|map)$|^tools\/lint\/(outside-paths\.|fixtures\/)|^models\/|^LICENSE$/;

/** What tools make, by .gitignore: it names places of this machine. A checkout need not have git. */
const made = new Set([
  '.git',
  ...readFileSync(join(root, '.gitignore'), 'utf8')
    .split('\n')
    .filter((line) => /^[\w.-]+\/$/.test(line))
    .map((line) => line.slice(0, -1)),
  'gen',
]);

let problems = 0;

/** A link may only lead to what the checkout has. */
function checkLink(path) {
  const target = resolve(dirname(path), readlinkSync(path));
  if (!relative(root, target).startsWith('..')) return;
  console.error(`${relative(root, path)}: the link leads to ${target}`);
  problems += 1;
}

function filesUnder(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (made.has(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesUnder(path);
    if (entry.isSymbolicLink()) checkLink(path);
    return entry.isFile() ? [relative(root, path)] : [];
  });
}

const files = filesUnder(root).filter((file) => !left.test(file));
for (const file of files) {
  for (const { line, path } of outsidePaths(file, readFileSync(join(root, file), 'utf8'))) {
    console.error(`${file}:${line}: ${path} leads out of the checkout`);
    problems += 1;
  }
}
if (files.length < 500) {
  console.error(`only ${files.length} files were read`);
  problems += 1;
}
console.error(`${files.length} files, ${problems} problems`);
process.exitCode = problems > 0 ? 1 : 0;
