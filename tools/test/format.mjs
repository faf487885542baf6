#!/usr/bin/env node
// `npm run format [paths]`: lays out every language of the repository, or the TypeScript and JSON under the paths.
import { join } from 'node:path';
import { root } from '../bootstrap/root.mjs';
import { runTask } from './task.mjs';

const paths = process.argv.slice(2);
const python = join(root, 'python-worker/.venv/bin/python');
const jobs = [['prettier', ['--write', '--log-level=warn', ...(paths.length > 0 ? paths : ['.'])]]];
if (paths.length === 0) {
  jobs.push([python, ['-m', 'ruff', 'format', 'python-worker']]);
  jobs.push(['buf', ['format', '--write', 'protos']]);
}
for (const [command, args] of jobs) {
  const { code } = await runTask(command, args, { echo: true });
  if (code !== 0) process.exitCode = 1;
}
