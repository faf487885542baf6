#!/usr/bin/env node
import { main, outputFailed } from './cli.js';
import { createOutput } from './core/io.js';
import { readEnvironment } from './env.js';

const environment = readEnvironment();
const io = {
  out: createOutput(process.stdout, environment),
  err: createOutput(process.stderr, environment),
};
const args = process.argv.slice(2);
let isFailing = false;

/** `murnau runs ls | head` is not an error. */
const endIfReaderLeft = ({ code }: NodeJS.ErrnoException): void => {
  if (code === 'EPIPE') process.exit(0);
};
process.stdout.on('error', (error) => {
  endIfReaderLeft(error);
  if (isFailing) return;
  isFailing = true;
  void outputFailed(error, args, io, environment).then((code) => process.exit(code));
});
// There is nowhere left to say it, and the data is whole.
process.stderr.on('error', endIfReaderLeft);

process.exitCode = await main(args, io, environment);
// The error of an earlier write is emitted after this call.
process.stdout.write('', (error) => {
  if (error == null && !isFailing) process.exit();
});
