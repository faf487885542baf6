import { CommanderError } from 'commander';
import type { Host } from './core/command.js';
import { exitCodes } from './core/exit-codes.js';
import type { Io } from './core/io.js';
import type { Environment } from './env.js';
import { buildProgram } from './program.js';

const silent = new Set(['commander.help', 'commander.helpDisplayed', 'commander.version']);

/** Runs one command. @param args without the program's name. @returns the exit code. */
export async function main(args: readonly string[], io: Io, environment: Environment): Promise<number> {
  let exitCode: number = exitCodes.done;
  const host: Host = {
    context: async (options) => {
      const { createContext } = await import('./core/context.js');
      return createContext(io, environment, options);
    },
    exitWith: (code) => (exitCode = code),
  };
  try {
    const program = await buildProgram(host, io, args);
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.code === 'commander.help' && error.exitCode !== 0) return exitCodes.usage;
      if (silent.has(error.code)) return exitCodes.done;
    }
    const { reportError } = await import('./core/report-error.js');
    return reportError(error, io, args.includes('--json'));
  }
}
