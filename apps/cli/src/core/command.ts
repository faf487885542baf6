import { Command, Option } from 'commander';
import type { Spell } from './command-name.js';
import type { CommonOptions, Context } from './context.js';
import type { Io } from './io.js';

/** What runs commands: a context made from the options, and where the exit code goes. */
export interface Host {
  readonly io: Io;
  readonly context: (options: CommonOptions) => Promise<Context>;
  readonly exitWith: (code: number) => void;
  readonly spell: Spell;
}

export interface Example {
  readonly command: string;
  readonly does: string;
}

/** A command that does something, with the options that every command has. */
export function leaf(
  parent: Command,
  nameAndArguments: string,
  summary: string,
  examples: readonly Example[] = [],
): Command {
  const command = parent
    .command(nameAndArguments)
    .description(summary)
    .option('--json', 'write one JSON document (watching: one per line) to stdout')
    .option('-y, --yes', 'never ask')
    .addOption(new Option('--profile <name>', 'use another server, by its name in profiles.json'));
  if (examples.length > 0) addExamples(command, examples);
  return command;
}

/** Shown below its help. */
export function addExamples(command: Command, examples: readonly Example[]): void {
  const lines = examples.map(({ command: text, does }) => `  $ ${text}\n      ${does}`);
  command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
}

/** A word that only groups commands. */
export function group(parent: Command, name: string, summary: string): Command {
  return parent.command(name).description(summary);
}

/**
 * Joins a command to its function.
 * @param run returns the exit code; nothing: 0.
 */
export function action<Options extends object>(
  command: Command,
  host: Host,
  run: (context: Context, args: string[], options: Options) => Promise<number | void>,
): void {
  command.action(async (...received: unknown[]) => {
    const args = received
      .slice(0, -2)
      .flat()
      .filter((value): value is string => typeof value === 'string');
    const options = command.optsWithGlobals<Options & CommonOptions>();
    host.exitWith((await run(await host.context(options), args, options)) ?? 0);
  });
}
