import { fieldsOf } from './fields.js';
import { families } from './generated.js';
import type { FamilyName } from './registry.js';
import type { Family, FamilyTable, Property, TowerNameIn } from './table.js';

/** What all families together know, of the generated table. */

type Table = typeof families;
type AnyFamily = Table[FamilyName];

export const familyTable: FamilyTable = families;
export const familyNames = Object.keys(families) as [FamilyName, ...FamilyName[]];
const all: readonly Family[] = Object.values(families);

const unique = <Item>(items: readonly Item[]): [Item, ...Item[]] => [...new Set(items)] as [Item, ...Item[]];

export type TowerName = TowerNameIn<Table>;
export const towerNames = unique(all.flatMap(({ towers }) => towers.map(({ name }) => name as TowerName)));
/** Each with the titles that the families call it by. */
export const towers: readonly { readonly name: TowerName; readonly title: string }[] = towerNames.map(
  (wanted) => {
    const named = all.flatMap((family) => family.towers).filter(({ name }) => name === wanted);
    return { name: wanted, title: unique(named.map(({ title }) => title)).join(' or ') };
  },
);

export type Objective = AnyFamily['objectives'][number]['name'];
export const objectives = all
  .flatMap((family) => family.objectives)
  .filter(({ name }, place, every) => every.findIndex((other) => other.name === name) === place);
export const objectiveNames = unique(objectives.map(({ name }) => name as Objective));

export type Sampler = AnyFamily['samplers'][number];
export const samplers = unique(all.flatMap((family) => family.samplers as readonly Sampler[]));

export type FamilyFormat = AnyFamily['embedding_formats'][number]['name'];
export const embeddingFormats: readonly ['safetensors', ...FamilyFormat[]] = [
  'safetensors',
  ...unique(all.flatMap((family) => family.embedding_formats.map(({ name }) => name as FamilyFormat))),
];
export type EmbeddingFormat = (typeof embeddingFormats)[number];

/** Properties of parameters and options by name: but for a default, those of one family mean the same in every other. */
export const familyParameters: Readonly<Record<string, Property>> = Object.assign(
  {},
  ...all.map(({ parameters }) => parameters),
);
export const familyOptions: Readonly<Record<string, Property>> = Object.assign(
  {},
  ...all.map(({ options }) => options),
);

export const parameterFields = fieldsOf(families, 'parameters');
export const optionFields = fieldsOf(families, 'options');
