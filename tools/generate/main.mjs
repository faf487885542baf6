#!/usr/bin/env node
// `npm run generate`: gRPC code of both languages from protos/, whether or not it looks up to date.
import { clearStamp } from '../bootstrap/stamp.mjs';
import { generatePython, generateTypeScript } from '../bootstrap/steps/generate.mjs';

for (const [name, generate] of [
  ['typescript', generateTypeScript],
  ['python', generatePython],
]) {
  await clearStamp(`protos-${name}`);
  await generate((line) => console.error(`${name}: ${line}`));
}
