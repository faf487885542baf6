#!/usr/bin/env node
// `npm run -s murnau -- ARGS`: the command line, in the folder it was called from (npm changes to this one).
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './bootstrap/root.mjs';

const entry = join(root, 'apps/cli/dist/main.js');
if (!existsSync(entry)) {
  console.error(
    `murnau is not set up in ${root}.\nRun \`npm run bootstrap\` there, or \`npm start\`, and try again.`,
  );
  process.exit(2);
}
if (process.env.INIT_CWD) process.chdir(process.env.INIT_CWD);
await import(entry);
