#!/usr/bin/env node
import { main } from './cli.js';
import { createOutput } from './core/io.js';
import { readEnvironment } from './env.js';

// `murnau runs ls | head` is not an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 100);
});

const environment = readEnvironment();
const io = {
  out: createOutput(process.stdout, environment),
  err: createOutput(process.stderr, environment),
};
process.exitCode = await main(process.argv.slice(2), io, environment);
process.stdout.write('', () => process.exit());
