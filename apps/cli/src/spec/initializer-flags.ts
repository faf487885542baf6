import { initializerKey, towers } from '@murnau/domain';
import type { Command } from 'commander';
import { flagOf, propertyOf } from './training-flags.js';

/** Flags for words that single towers' rows start from instead. */

export function addInitializerFlags(command: Command): Command {
  for (const { name, title } of towers) {
    command.option(`${flagOf(initializerKey(name))} <word>`, `another one for the ${title} rows`);
  }
  return command;
}

/** Those that were given, by the keys of a spec. */
export function initializersGiven(options: object): Record<string, string | undefined> {
  const given = options as Readonly<Record<string, string | undefined>>;
  return Object.fromEntries(
    towers.map(({ name }) => [initializerKey(name), given[propertyOf(initializerKey(name))]]),
  );
}
