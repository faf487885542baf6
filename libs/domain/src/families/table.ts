/** What families of models are, as data: the form of the generated table, and types that follow from one. */

interface Described {
  readonly description: string;
}

/** A value of a family's own, as JSON Schema says it. An option without a default has the model's. */
export type Property = Described &
  (
    | { readonly type: 'boolean'; readonly default?: boolean }
    | { readonly type: 'string'; readonly enum: readonly string[]; readonly default?: string }
    | { readonly type: 'string'; readonly format: 'timestep-respacing'; readonly timesteps: number }
    | {
        readonly type: 'string';
        readonly format: 'prompt';
        readonly minLength: number;
        readonly maxLength: number;
      }
    | {
        readonly type: 'number' | 'integer';
        readonly minimum?: number;
        readonly maximum?: number;
        readonly exclusiveMinimum?: number;
        readonly exclusiveMaximum?: number;
        readonly default?: number;
      }
  );

export interface TextTower {
  readonly name: string;
  readonly title: string;
  readonly role: string;
  readonly reads_english_only: boolean;
}

export interface Family {
  readonly title: string;
  readonly towers: readonly TextTower[];
  readonly parts: readonly { readonly name: string; readonly title: string; readonly is_optional: boolean }[];
  /** `train` and drawing tasks. */
  readonly tasks: readonly string[];
  readonly objectives: readonly { readonly name: string; readonly help: string }[];
  /** Training parameters that not every family has, by name. */
  readonly parameters: Readonly<Record<string, Property>>;
  readonly samplers: readonly string[];
  /** Drawing options, likewise. */
  readonly options: Readonly<Record<string, Property>>;
  /** Forms of learnt embeddings beside safetensors. */
  readonly embedding_formats: readonly {
    readonly name: string;
    readonly suffix: string;
    /** Whether it can be imported too. */
    readonly reads: boolean;
    /** Of one tower: the pipeline of diffusers whose text encoder takes it. */
    readonly pipeline: string | null;
    readonly help: string;
  }[];
}

export type FamilyTable = Readonly<Record<string, Family>>;

/** The parts of a table that hold properties by name. */
export type Section = 'parameters' | 'options';

/** Names that any family has. */
export type NameIn<Table extends FamilyTable, Part extends Section> = {
  [Name in keyof Table]: keyof Table[Name][Part];
}[keyof Table] &
  string;

export type PropertyIn<Table extends FamilyTable, Part extends Section, Key extends string> = {
  [Name in keyof Table]: Table[Name][Part] extends Readonly<Record<Key, infer Found>> ? Found : never;
}[keyof Table];

export type TowerNameIn<Table extends FamilyTable> = Table[keyof Table]['towers'][number]['name'];

/** Whether every family has the name: `keyof` of a union are the keys of all its members. */
export type IsCommon<
  Table extends FamilyTable,
  Part extends Section,
  Key extends string,
> = Key extends keyof Table[keyof Table][Part] ? true : false;

export type IsCommonTower<Table extends FamilyTable, Name extends string> = [
  {
    [Family in keyof Table]: Name extends Table[Family]['towers'][number]['name'] ? never : Family;
  }[keyof Table],
] extends [never]
  ? true
  : false;
