import { Command } from 'commander';
import { group, leaf } from './core/command.js';
import type { Host } from './core/command.js';
import type { Output } from './core/io.js';
import { nameOf, nouns } from './nouns.js';
import { version } from './version.js';

/**
 * The command line. Every noun is listed; those among `words` are loaded, with their verbs and flags.
 * @param words what was typed; default: every noun
 */
export async function buildProgram(
  host: Host,
  words: readonly string[] = nouns.map(nameOf),
): Promise<Command> {
  const { io } = host;
  const program = new Command('murnau')
    .description('Teaches Kandinsky new words from a few pictures.')
    .version(version, '--version', 'show the version')
    .helpCommand('help [command]', 'show the help of a command')
    .option('--profile <name>', 'use another server, by its name in profiles.json')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.out.write(withExamplesSpelled(text, host)),
      writeErr: (text) => io.err.write(text),
      // Errors are written once, by reportError.
      outputError: () => {},
      getOutHelpWidth: () => helpWidth(io.out),
      getErrHelpWidth: () => helpWidth(io.err),
    });
  const loading = nouns.map((noun) => (words.includes(nameOf(noun)) ? noun.load() : undefined));
  for (const [index, { usage, summary, hasVerbs }] of nouns.entries()) {
    const command = hasVerbs === true ? group(program, usage, summary) : leaf(program, usage, summary);
    (await loading[index])?.register(command, host);
  }
  return program;
}

const helpWidth = ({ isTerminal, columns }: Output): number => Math.min(110, isTerminal ? columns() : 100);

/** Usage lines keep the plain name. */
const withExamplesSpelled = (help: string, { spell }: Host): string => help.replace(/^ {2}\$ .*$/gm, spell);

/** Commands that do something, as `sweep create`, with the commander object of each. */
export function leavesOf(command: Command, path: readonly string[] = []): Map<string, Command> {
  const leaves = new Map<string, Command>();
  for (const child of command.commands) {
    const childPath = [...path, child.name()];
    if (child.commands.length === 0) leaves.set(childPath.join(' '), child);
    for (const [name, leaf] of leavesOf(child, childPath)) leaves.set(name, leaf);
  }
  return leaves;
}
