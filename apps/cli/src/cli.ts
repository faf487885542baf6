import { CommanderError } from 'commander';
import type { Command } from 'commander';
import type { Host } from './core/command.js';
import { createSpell } from './core/command-name.js';
import type { Spell } from './core/command-name.js';
import { exitCodes } from './core/exit-codes.js';
import type { Io } from './core/io.js';
import type { Environment } from './env.js';
import { nameOf, nouns } from './nouns.js';
import { buildProgram } from './program.js';

const silent = new Set(['commander.help', 'commander.helpDisplayed', 'commander.version']);

const spellIn = ({ searchPath }: Environment): Spell => createSpell(searchPath, nouns.map(nameOf));

/** What `murnau __complete WORDS` prints to a shell's script: at worst nothing. */
async function answerCompletion(host: Host, words: readonly string[]): Promise<number> {
  const { complete, completionText } = await import('./completion/complete.js');
  const program = await buildProgram(host, words.slice(0, -1));
  host.io.out.write(completionText(complete(program, words)));
  return exitCodes.done;
}

/** Runs one command. @param args without the program's name. @returns the exit code. */
export async function main(args: readonly string[], io: Io, environment: Environment): Promise<number> {
  let exitCode: number = exitCodes.done;
  const spell = spellIn(environment);
  const host: Host = {
    io,
    context: async (options) => {
      const { createContext } = await import('./core/context.js');
      return createContext(io, environment, options, spell);
    },
    exitWith: (code) => (exitCode = code),
    spell,
  };
  if (args[0] === '__complete') return answerCompletion(host, args.slice(1));
  let program: Command | undefined;
  try {
    program = await buildProgram(host, args);
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.code === 'commander.help' && error.exitCode !== 0) return exitCodes.usage;
      if (silent.has(error.code)) return exitCodes.done;
    }
    const { reportError } = await import('./core/report-error.js');
    const { commandOf } = await import('./core/usage-error.js');
    return reportError(error, io, args.includes('--json'), spell, program && commandOf(program, args));
  }
}

/** Says that stdout could not be written. @returns the exit code. */
export async function outputFailed(
  cause: Error,
  args: readonly string[],
  io: Io,
  environment: Environment,
): Promise<number> {
  const { reportError } = await import('./core/report-error.js');
  const { unwritable } = await import('./output/files.js');
  return reportError(unwritable('stdout', cause), io, args.includes('--json'), spellIn(environment));
}
