import { type Command, InvalidArgumentError, Option } from 'commander';
import { tableLines } from '../output/table.js';
import type { Column } from '../output/table.js';
import type { Context } from './context.js';

export interface LimitOptions {
  readonly limit: number;
  readonly all?: boolean;
}

/** Whole number from `least` up, for commander. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least || text.trim() === '') {
      throw new InvalidArgumentError(`It must be a whole number from ${least} up.`);
    }
    return value;
  };
}

/** Any finite number, for commander. */
export function decimal(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('It must be a number.');
  return value;
}

/** Of an option that may be repeated, for commander. */
export const collected = (value: string, previous: string[] | undefined): string[] => [
  ...(previous ?? []),
  value,
];

/** `--limit` and `--all` of what shows a list. */
export const withLimit = (command: Command): Command =>
  command
    .addOption(
      new Option('--limit <n>', 'most entries to show')
        .default(50)
        .argParser(wholeNumber(1))
        .conflicts('all'),
    )
    .option('--all', 'show every entry');

/** How many to show; undefined: all. */
export const mostShown = ({ limit, all = false }: LimitOptions): number | undefined =>
  all ? undefined : limit;

/** All that an iterator gives. */
export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

interface ListOptions<Item> extends LimitOptions {
  readonly columns: readonly Column<Item>[];
  /** What to say when there is nothing: how to get the first one. */
  readonly none: string;
}

/**
 * A table; with `--json` one array.
 * @param fetch items, at most so many
 */
export async function list<Item>(
  context: Context,
  fetch: (limit: number | undefined) => AsyncIterable<Item>,
  options: ListOptions<Item>,
): Promise<void> {
  const most = mostShown(options);
  // One more than is shown tells that there is more.
  const found = await collect(fetch(most === undefined ? undefined : most + 1));
  const shown = found.slice(0, most);
  context.result(shown, () => {
    if (shown.length === 0) return context.say(options.none);
    const { out } = context.io;
    for (const line of tableLines(shown, options.columns, out.colours)) out.line(line);
  });
  if (found.length > shown.length) context.say(`The first ${shown.length}; more with --limit N or --all.`);
}
