import { InvalidArgumentError, Option } from 'commander';
import { tableLines } from '../output/table.js';
import type { Column } from '../output/table.js';
import type { Context } from './context.js';

export interface LimitOptions {
  readonly limit: number;
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

export const limitOption = (): Option =>
  new Option('--limit <n>', 'most entries to show').default(50).argParser(wholeNumber(1));

interface ListOptions<Item> {
  readonly columns: readonly Column<Item>[];
  /** What to say when there is nothing: how to get the first one. */
  readonly none: string;
  readonly limit: number;
}

/** A table of what an iterator gives; with `--json` one array. */
export async function list<Item>(
  context: Context,
  items: AsyncIterable<Item>,
  options: ListOptions<Item>,
): Promise<void> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  context.result(all, () => {
    if (all.length === 0) return context.say(options.none);
    const { out } = context.io;
    for (const line of tableLines(all, options.columns, out.colours)) out.line(line);
    if (all.length === options.limit) context.say(`The first ${options.limit}; more with --limit.`);
  });
}
