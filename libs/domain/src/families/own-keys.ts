import { familyTable } from './families.js';
import type { Family, FamilyTable } from './table.js';
import { initializerKey, rateKey } from './values.js';

/** Which keys of a spec or a request mean something for the models of a family. */

const ownKeys = ({ towers, parameters, options }: Family): string[] => [
  ...Object.keys(parameters),
  ...Object.keys(options),
  ...towers.flatMap(({ name }) => [rateKey(name), initializerKey(name)]),
];

/** The family's words where a key has one of them: an objective, a sampler. */
const wordsOf = (family: Family, key: string): readonly string[] | undefined => {
  if (key === 'objective') return family.objectives.map(({ name }) => name);
  return key === 'sampler' ? family.samplers : undefined;
};

/** Keys that a family adds to those that all families have; empty for a family that the table lacks. */
export function keysOfFamily(name: string, table: FamilyTable = familyTable): ReadonlySet<string> {
  const family = table[name];
  return new Set(family === undefined ? [] : ownKeys(family));
}

export interface ForeignKey {
  readonly message: string;
  /** Names of the families that have it. */
  readonly families: readonly string[];
}

/**
 * What of a key means nothing for a family's models; undefined where it, and each of the values, means something. Of a
 * family that the table lacks its worker decides.
 */
export function foreignKey(
  name: string,
  { key, values }: { readonly key: string; readonly values: readonly unknown[] },
  table: FamilyTable = familyTable,
): ForeignKey | undefined {
  const family = table[name];
  if (family === undefined) return undefined;
  const others = (has: (other: Family) => boolean): string[] =>
    Object.keys(table).filter((other) => table[other] !== undefined && has(table[other]));
  const havers = others((other) => ownKeys(other).includes(key));
  if (havers.length > 0 && !havers.includes(name)) {
    const message = `${key} means nothing for a model of ${name}: only ${havers.join(' and ')} has it`;
    return { message, families: havers };
  }
  for (const value of values) {
    const with_ = others((other) => wordsOf(other, key)?.includes(String(value)) === true);
    if (with_.length === 0 || with_.includes(name)) continue;
    const offered = wordsOf(family, key)?.join(', ') ?? 'none';
    const message = `${key} ${String(value)} means nothing for a model of ${name}, which has ${offered}: only ${with_.join(' and ')} has it`;
    return { message, families: with_ };
  }
  return undefined;
}
