import { MurnauError } from '@murnau/domain';
import { CommanderError } from 'commander';
import type { Command } from 'commander';

/** The command that the words name, as far as they name one. */
export function commandOf(program: Command, words: readonly string[]): Command {
  let command = program;
  for (const word of words) {
    if (word.startsWith('-')) continue;
    const next = command.commands.find((child) => child.name() === word);
    if (next === undefined) break;
    command = next;
  }
  return command;
}

/** As it is typed: `murnau sweep create`. */
export function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

const wordsOf = (flag: string): string[] => flag.replace(/^--/, '').split('-');

/** Flags of the command in which every word of the given one stands: `--max-steps` for `--steps`. */
function flagsWith(flag: string, { options }: Command): string[] {
  const wanted = wordsOf(flag);
  return options
    .flatMap(({ long }) => (typeof long === 'string' ? [long] : []))
    .filter((long) => wanted.every((word) => wordsOf(long).includes(word)));
}

/** Commander's complaint as one of ours: what is wrong, and the nearest known word. */
export function usageError(error: CommanderError, command: Command | undefined): MurnauError {
  const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n');
  const said = (message: string): MurnauError => new MurnauError('usage.invalid', message, { cause: error });
  const choice =
    /^command-argument value '(.*)' is invalid for argument '(.*)'\. Allowed choices are (.*)\.$/s.exec(
      first,
    );
  if (choice !== null) return said(`${choice[2]}: ${choice[1]} is not one of ${choice[3]}`);
  const flag = /^unknown option '(--[^'=]+)/.exec(first)?.[1];
  const near = flag === undefined || command === undefined ? [] : flagsWith(flag, command);
  if (near.length > 0) {
    return said(`${first}. Did you mean ${near.length > 1 ? 'one of ' : ''}${near.join(', ')}?`);
  }
  const hint = rest.join(' ').replace(/^\(|\)$/g, '');
  return said(hint === '' ? first : `${first}. ${hint}`);
}
