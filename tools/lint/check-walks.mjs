#!/usr/bin/env node
// The walks of docs/architecture.md lead where they say.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../bootstrap/root.mjs';
import { brokenStations, readWalks } from './walks.mjs';

const walks = readWalks(readFileSync(join(root, 'docs/architecture.md'), 'utf8'));
const problems = walks.flatMap((walk) => brokenStations(root, walk));
if (walks.length < 3) problems.push(`docs/architecture.md has ${walks.length} walks, not three`);
for (const problem of problems) console.error(problem);
console.error(`${walks.length} walks, ${problems.length} problems`);
process.exitCode = problems.length > 0 ? 1 : 0;
