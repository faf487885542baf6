#!/usr/bin/env node
// `npm run generate`: gRPC code of both languages from protos/, whether or not it looks up to date, and the families'
// table in libs/domain.
import { clearStamp } from '../bootstrap/stamp.mjs';
import { generatePython, generateTypeScript } from '../bootstrap/steps/generate.mjs';
import { generateFamilies } from './families.mjs';

for (const [name, generate] of [
  ['typescript', generateTypeScript],
  ['python', generatePython],
]) {
  await clearStamp(`protos-${name}`);
  await generate((line) => console.error(`${name}: ${line}`));
}
await generateFamilies();
console.error('families: libs/domain/src/families/generated.ts');
