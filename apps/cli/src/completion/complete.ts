import type { Argument, Command, Option } from 'commander';
import { suggestionsFor } from '../core/suggestions.js';

/** What the shell offers besides: names of files, of folders, or nothing. */
export type Paths = 'files' | 'folders' | 'none';

interface Candidate {
  readonly value: string;
  readonly description: string;
}

interface Completion {
  readonly candidates: readonly Candidate[];
  readonly paths: Paths;
}

const nothing: Completion = { candidates: [], paths: 'none' };

/** By the name that a value has in the help. */
const pathsOf: Readonly<Record<string, Paths>> = {
  file: 'files',
  path: 'files',
  picture: 'files',
  folder: 'folders',
  target: 'folders',
  dataset: 'folders',
};

const plain = (values: readonly string[]): Candidate[] => values.map((value) => ({ value, description: '' }));

const optionOf = (command: Command, flag: string): Option | undefined =>
  command.options.find(({ short, long }) => flag === short || flag === long);
const takesValue = (option: Option): boolean => option.required || option.optional;

function valueOf(option: Option): Completion {
  const name = /[<[]([^>\]]+)[>\]]/.exec(option.flags)?.[1] ?? '';
  return { candidates: plain(suggestionsFor(option)), paths: pathsOf[name] ?? 'none' };
}

const argumentOf = (argument: Argument): Completion => ({
  candidates: plain(argument.argChoices ?? []),
  paths: pathsOf[argument.name()] ?? 'none',
});

const flagsOf = (command: Command): Candidate[] =>
  command
    .createHelp()
    .visibleOptions(command)
    .flatMap(({ long, description }) => (long == null ? [] : [{ value: long, description }]));

const verbsOf = (command: Command): Candidate[] =>
  command
    .createHelp()
    .visibleCommands(command)
    .map((verb) => ({ value: verb.name(), description: verb.description() }));

/** Where the words before the current one lead. */
interface Position {
  readonly command: Command;
  /** Arguments of the command that are there already. */
  readonly given: number;
  /** The current word is its value. */
  readonly option: Option | undefined;
  /** `--` came: no more flags. */
  readonly isPlain: boolean;
  /** `help`: only the name of a command can follow. */
  readonly isHelp: boolean;
}

/** @returns undefined where a word is none that the command line knows. */
function positionAfter(program: Command, words: readonly string[]): Position | undefined {
  let position: Position = { command: program, given: 0, option: undefined, isPlain: false, isHelp: false };
  for (const word of words) {
    const { command, given, option, isPlain } = position;
    if (option !== undefined) {
      position = { ...position, option: undefined };
    } else if (!isPlain && word === '--') {
      position = { ...position, isPlain: true };
    } else if (!isPlain && word.startsWith('-')) {
      const named = optionOf(command, word);
      position = { ...position, option: named !== undefined && takesValue(named) ? named : undefined };
    } else if (command.commands.length === 0) {
      position = { ...position, given: given + 1 };
    } else if (word === 'help') {
      position = { ...position, isHelp: true };
    } else {
      const verb = command.commands.find((known) => known.name() === word);
      if (verb === undefined || position.isHelp) return undefined;
      position = { ...position, command: verb, given: 0 };
    }
  }
  return position;
}

function completionAt({ command, given, option, isPlain, isHelp }: Position, current: string): Completion {
  if (option !== undefined) return valueOf(option);
  if (isHelp) return { candidates: verbsOf(command).filter(({ value }) => value !== 'help'), paths: 'none' };
  if (!isPlain && current.startsWith('-')) {
    const [flag = '', value] = current.split('=', 2);
    if (value === undefined) return { candidates: flagsOf(command), paths: 'none' };
    const named = optionOf(command, flag);
    if (named === undefined || !takesValue(named)) return nothing;
    const { candidates, paths } = valueOf(named);
    return { candidates: candidates.map((one) => ({ ...one, value: `${flag}=${one.value}` })), paths };
  }
  if (command.commands.length > 0) return { candidates: verbsOf(command), paths: 'none' };
  const last = command.registeredArguments.at(-1);
  const argument = command.registeredArguments[given] ?? (last?.variadic === true ? last : undefined);
  return argument === undefined ? { candidates: flagsOf(command), paths: 'none' } : argumentOf(argument);
}

/**
 * What may stand in the place of the last word.
 * @param program with the nouns that the words name
 * @param words after `murnau`; the last one is being typed
 */
export function complete(program: Command, words: readonly string[]): Completion {
  const current = words.at(-1) ?? '';
  const position = positionAfter(program, words.slice(0, -1));
  if (position === undefined) return nothing;
  const { candidates, paths } = completionAt(position, current);
  return { candidates: candidates.filter(({ value }) => value.startsWith(current)), paths };
}

/** As the shells' scripts read it: a line for each candidate, then one that says which paths to offer. */
export const completionText = ({ candidates, paths }: Completion): string =>
  [...candidates.map(({ value, description }) => `${value}\t${description}`), `:${paths}`]
    .map((line) => `${line}\n`)
    .join('');
