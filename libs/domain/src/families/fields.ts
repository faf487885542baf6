import { z } from 'zod';
import type {
  FamilyTable,
  IsCommon,
  IsCommonTower,
  NameIn,
  Property,
  PropertyIn,
  Section,
  TowerNameIn,
} from './table.js';
import { respacingSchema } from './timestep-respacing.js';

/** zod fields of what a table says, with their types. */

type Value<P> = P extends { readonly enum: readonly (infer Word)[] }
  ? Word
  : P extends { readonly type: 'boolean' }
    ? boolean
    : P extends { readonly type: 'number' | 'integer' }
      ? number
      : string;
type Given<P> = P extends { readonly format: 'timestep-respacing' } ? string | number : Value<P>;
type Schema<P> = z.ZodType<Value<P>, Given<P>>;

type IsUnion<Value, Whole = Value> = Value extends unknown ? ([Whole] extends [Value] ? false : true) : never;
/** Whether the families that have it say one default. */
type HasOneDefault<P> = [P] extends [{ readonly default: infer Default }]
  ? true extends IsUnion<Default>
    ? false
    : true
  : false;

/** A default can be filled in before a model's family is known only where every family has it and says the same. */
type Field<P, Common extends boolean> = Common extends true
  ? HasOneDefault<P> extends true
    ? z.ZodDefault<Schema<P>>
    : z.ZodOptional<Schema<P>>
  : z.ZodOptional<Schema<P>>;

export type Fields<Table extends FamilyTable, Part extends Section> = {
  readonly [Key in NameIn<Table, Part>]: Field<PropertyIn<Table, Part, Key>, IsCommon<Table, Part, Key>>;
};

function numberSchema(property: Extract<Property, { type: 'number' | 'integer' }>): z.ZodNumber {
  let schema: z.ZodNumber = property.type === 'integer' ? z.int() : z.number();
  if (property.minimum !== undefined) schema = schema.min(property.minimum);
  if (property.exclusiveMinimum !== undefined) schema = schema.gt(property.exclusiveMinimum);
  if (property.maximum !== undefined) schema = schema.max(property.maximum);
  if (property.exclusiveMaximum !== undefined) schema = schema.lt(property.exclusiveMaximum);
  return schema;
}

function schemaOf(property: Property): z.ZodType {
  if (property.type === 'boolean') return z.boolean();
  if (property.type !== 'string') return numberSchema(property);
  if ('enum' in property) return z.enum(property.enum);
  if (property.format === 'prompt') return z.string().min(property.minLength).max(property.maxLength);
  return respacingSchema(property.timesteps);
}

const defaultOf = (property: Property): unknown => ('default' in property ? property.default : undefined);
const withoutDefault = (property: Property): string => JSON.stringify({ ...property, default: undefined });

/** The one meaning of a name; of its default families may think differently. @throws RangeError where they mean else */
function meaningOf(name: string, properties: readonly Property[]): Property | undefined {
  const [first, ...others] = properties;
  if (first !== undefined && others.some((other) => withoutDefault(other) !== withoutDefault(first))) {
    throw new RangeError(`${name} means different things in different families`);
  }
  return first;
}

/**
 * A field for each name of any family. What only some of them have, or what they have other defaults for, is optional:
 * their models know the default.
 */
export function fieldsOf<const Table extends FamilyTable, Part extends Section>(
  table: Table,
  part: Part,
): Fields<Table, Part> {
  const sections = Object.values(table).map((family) => family[part]);
  const names = [...new Set(sections.flatMap((section) => Object.keys(section)))];
  const fields = names.map((name) => {
    const properties = sections.flatMap((section) => section[name] ?? []);
    const property = meaningOf(name, properties);
    if (property === undefined) throw new RangeError(`no family has ${name}`);
    const schema = schemaOf(property);
    const [first, ...others] = properties.map(defaultOf);
    const isCommon = properties.length === sections.length && others.every((other) => other === first);
    return [name, isCommon && first !== undefined ? schema.default(first) : schema.optional()];
  });
  return Object.fromEntries(fields) as Fields<Table, Part>;
}

export type TowerFields<
  Table extends FamilyTable,
  Prefix extends string,
  Common extends z.ZodType,
  Other extends z.ZodType,
> = {
  readonly [Name in TowerNameIn<Table> as `${Prefix}${Name}`]: IsCommonTower<Table, Name> extends true
    ? Common
    : Other;
};

/** A field for each tower, under the prefix and its name. @param common of towers that every family has */
export function towerFields<
  const Table extends FamilyTable,
  Prefix extends string,
  Common extends z.ZodType,
  Other extends z.ZodType,
>(
  table: Table,
  prefix: Prefix,
  { common, other }: { readonly common: Common; readonly other: Other },
): TowerFields<Table, Prefix, Common, Other> {
  const families = Object.values(table);
  const names = [...new Set(families.flatMap(({ towers }) => towers.map(({ name }) => name)))];
  const isCommon = (name: string): boolean =>
    families.every(({ towers }) => towers.some((tower) => tower.name === name));
  return Object.fromEntries(
    names.map((name) => [`${prefix}${name}`, isCommon(name) ? common : other]),
  ) as TowerFields<Table, Prefix, Common, Other>;
}

type AnsweredKey<Table extends FamilyTable> = {
  [Key in NameIn<Table, 'options'>]: PropertyIn<Table, 'options', Key> extends
    { readonly default: unknown } | { readonly format: 'prompt' }
    ? never
    : Key;
}[NameIn<Table, 'options'>];
type Answered<P> = P extends { readonly enum: readonly (infer Word)[] }
  ? z.ZodType<Word>
  : P extends { readonly type: 'string' }
    ? z.ZodString
    : z.ZodNumber;
export type AnsweredFields<Table extends FamilyTable> = {
  readonly [Key in AnsweredKey<Table>]: IsCommon<Table, 'options', Key> extends true
    ? Answered<PropertyIn<Table, 'options', Key>>
    : z.ZodOptional<Answered<PropertyIn<Table, 'options', Key>>>;
};

/** Whether the option's default is the model's. */
const isAnswered = (property: Property): boolean =>
  !('default' in property) && !('format' in property && property.format === 'prompt');

/** Fields of what a model answers as its own defaults: of each option that has none in the table, and is no prompt. */
export function answeredFields<const Table extends FamilyTable>(table: Table): AnsweredFields<Table> {
  const sections = Object.values(table).map(({ options }) => options);
  const fields = sections.flatMap((section) =>
    Object.entries(section).flatMap(([name, property]) => {
      if (!isAnswered(property)) return [];
      const text = 'enum' in property ? z.enum(property.enum) : z.string();
      const schema = property.type === 'string' ? text : z.number();
      const isCommon = sections.every((other) => Object.hasOwn(other, name));
      return [[name, isCommon ? schema : schema.optional()] as const];
    }),
  );
  return Object.fromEntries(fields) as AnsweredFields<Table>;
}
