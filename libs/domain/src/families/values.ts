import { familyOptions, familyParameters, familyTable, towerNames } from './families.js';
import type { TowerName } from './families.js';
import type { FamilyTable } from './table.js';

/** What of a spec, a request or words is the families' own: by name, or by tower. */

type Scalar = string | number | boolean;
type Flat = Readonly<Partial<Record<string, unknown>>>;

const named = (names: readonly string[], values: Flat): Record<string, Scalar> =>
  Object.fromEntries(
    names.flatMap((name) => {
      const value = values[name];
      return value === undefined ? [] : [[name, value as Scalar]];
    }),
  );

/** Training parameters that a spec says. */
export const familyParametersOf = (spec: object): Record<string, Scalar> =>
  named(Object.keys(familyParameters), spec as Flat);

/** Drawing options that a request says. */
export const familyOptionsOf = (request: object): Record<string, Scalar> =>
  named(Object.keys(familyOptions), request as Flat);

/** What the models of a family take for drawing options that a request leaves out, where the table says it. */
export const optionDefaultsOf = (family: string, table: FamilyTable = familyTable): Record<string, Scalar> =>
  Object.fromEntries(
    Object.entries(table[family]?.options ?? {}).flatMap(([name, property]) =>
      'default' in property && property.default !== undefined ? [[name, property.default] as const] : [],
    ),
  );

/** How a tower's learning rate, or its own initializer, is called by people. */
export const rateKey = <Name extends string>(tower: Name) => `learning_rate_${tower}` as const;
export const initializerKey = <Name extends string>(tower: Name) => `initializer_${tower}` as const;

type ByTower<Value> = Readonly<Partial<Record<TowerName, Value>>>;

function byTower<Value>(valueOf: (tower: TowerName) => Value | undefined): Record<string, Value> {
  return Object.fromEntries(
    towerNames.flatMap((tower) => {
      const value = valueOf(tower);
      return value === undefined ? [] : [[tower, value]];
    }),
  );
}

type Rates = { readonly [Name in TowerName as `learning_rate_${Name}`]?: number | undefined };
export const learningRatesOf = (spec: Rates): Record<string, number> =>
  byTower((tower) => spec[rateKey(tower)]);

export type Initializers = { readonly [Name in TowerName as `initializer_${Name}`]?: string | undefined };
/** Words that single towers' rows start from. */
export const initializersOf = (words: Initializers): Record<string, string> =>
  byTower((tower) => words[initializerKey(tower)]);

/** The same under the keys that people write. */
export const initializerFields = (initializers: ByTower<string>): Initializers =>
  Object.fromEntries(Object.entries(initializers).map(([tower, word]) => [initializerKey(tower), word]));
