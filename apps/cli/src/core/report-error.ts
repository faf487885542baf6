import { MurnauError, toMurnauError } from '@murnau/domain';
import { CommanderError } from 'commander';
import type { Spell } from './command-name.js';
import type { Io } from './io.js';

export interface ErrorDocument {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly field?: string;
    readonly given?: string;
    readonly allowed?: string;
    readonly next_step: string;
  };
}

export function errorDocument(error: MurnauError): ErrorDocument {
  const { code, message, field, given, allowed, kind } = error;
  return {
    error: {
      code,
      message,
      ...(field === undefined ? {} : { field }),
      ...(given === undefined ? {} : { given }),
      ...(allowed === undefined ? {} : { allowed }),
      next_step: kind.nextStep,
    },
  };
}

/** Message, then field, given and allowed where they add something, the code, and what to do next. */
export function errorLines(error: MurnauError): string[] {
  const { code, message, field, given, allowed, kind } = error;
  const details = (
    [
      ['field', field],
      ['given', given],
      ['allowed', allowed],
    ] as const
  ).filter(([, value]) => value !== undefined && value !== '' && !message.includes(value));
  return [
    `error: ${message.replace(/[.\s]+$/, '')}`,
    ...details.map(([name, value]) => `  ${name.padEnd(8)} ${value ?? ''}`),
    `  ${'code'.padEnd(8)} ${code}`,
    `  ${'next'.padEnd(8)} ${kind.nextStep}`,
  ];
}

/** Commander's complaint as one of ours: what is wrong, the nearest known word, and whose help to read. */
function usageError(error: CommanderError): MurnauError {
  const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n');
  const hint = rest.join(' ').replace(/^\(|\)$/g, '');
  return new MurnauError('usage.invalid', hint === '' ? first : `${first}. ${hint}`, { cause: error });
}

/** Writes an error for its reader and gives the exit code. */
export function reportError(failure: unknown, io: Io, isJson: boolean, spell: Spell): number {
  const error = failure instanceof CommanderError ? usageError(failure) : toMurnauError(failure);
  if (isJson) {
    io.err.line(JSON.stringify(errorDocument(error)));
  } else {
    const [first = '', ...rest] = errorLines(error).map(spell);
    const { colours } = io.err;
    io.err.line(colours.red(first));
    for (const line of rest) io.err.line(colours.dim(line));
  }
  return error.kind.exitCode;
}
