import { MurnauError, toMurnauError } from '@murnau/domain';
import { CommanderError } from 'commander';
import type { Command } from 'commander';
import type { Spell } from './command-name.js';
import type { Io } from './io.js';
import { pathOf, usageError } from './usage-error.js';

interface ErrorDocument {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly field?: string;
    readonly given?: string;
    readonly allowed?: string;
    readonly next_step: string;
  };
}

/** What to do next; of wrong usage, whose help to read. */
const nextStepOf = ({ code, kind }: MurnauError, command: Command | undefined): string =>
  code === 'usage.invalid' && command !== undefined ? `Run \`${pathOf(command)} --help\`.` : kind.nextStep;

function errorDocument(error: MurnauError, command?: Command): ErrorDocument {
  const { code, message, field, given, allowed } = error;
  return {
    error: {
      code,
      message,
      ...(field === undefined ? {} : { field }),
      ...(given === undefined ? {} : { given }),
      ...(allowed === undefined ? {} : { allowed }),
      next_step: nextStepOf(error, command),
    },
  };
}

/** Message, then field, given and allowed where they add something, the code, and what to do next. */
function errorLines(error: MurnauError, command?: Command): string[] {
  const { code, message, field, given, allowed } = error;
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
    `  ${'next'.padEnd(8)} ${nextStepOf(error, command)}`,
  ];
}

/**
 * Writes an error for its reader and gives the exit code.
 * @param command the one that was typed
 */
export function reportError(
  failure: unknown,
  io: Io,
  isJson: boolean,
  spell: Spell,
  command?: Command,
): number {
  const error = failure instanceof CommanderError ? usageError(failure, command) : toMurnauError(failure);
  if (isJson) {
    io.err.line(JSON.stringify(errorDocument(error, command)));
  } else {
    const [first = '', ...rest] = errorLines(error, command).map(spell);
    const { colours } = io.err;
    io.err.line(colours.red(first));
    for (const line of rest) io.err.line(colours.dim(line));
  }
  return error.kind.exitCode;
}
