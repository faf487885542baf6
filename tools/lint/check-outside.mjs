#!/usr/bin/env node
// Nothing in the project reads a path outside its own folder. What lint cannot see, .ci/run does: it runs the tests in a
// clone that has nothing beside it.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { root } from '../bootstrap/root.mjs';
import { outsidePaths } from './outside-paths.mjs';

const read = /\.(ts|mjs|cjs|js|py|json|ya?ml|toml|sh|md)$|^\.ci\//;
/** Lock files and recordings hold nothing that anybody opens; the spec and the fixtures are meant to lead out. */
const left = /package-lock\.json|\/histories\/|\/golden\/|^tools\/lint\/(outside-paths\.|fixtures\/)/;

/** Made by tools; a checkout need not have git. */
const made = new Set(['node_modules', 'dist', 'gen', '.venv', '.git', '.cache', '.nx', '__pycache__']);

function filesUnder(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (made.has(entry.name)) return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesUnder(path) : entry.isFile() ? [relative(root, path)] : [];
  });
}

const files = filesUnder(root).filter((file) => read.test(file) && !left.test(file));
let problems = 0;
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
