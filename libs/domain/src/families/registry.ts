import { families } from './generated.js';
import { kandinsky20 } from './kandinsky-2.0.js';
import { kandinsky21 } from './kandinsky-2.1.js';

/** The families: one line each for what the generated table cannot say. */

export type FamilyName = keyof typeof families;

const code = {
  'kandinsky-2.1': kandinsky21,
  'kandinsky-2.0': kandinsky20,
} as const satisfies Record<FamilyName, object>;

export const defaultModel = kandinsky21.shippedModel;
const familyNames = Object.keys(code) as FamilyName[];

export type Preset = keyof (typeof code)[FamilyName]['presets'];
/** Named sets of hyper-parameters, by family. */
export const presets = Object.fromEntries(familyNames.map((name) => [name, code[name].presets])) as {
  readonly [Name in FamilyName]: (typeof code)[Name]['presets'];
};

/** How an embedding's text feature may be read; null where its family knows one way only. */
export const poolings = families['kandinsky-2.1'].parameters.pooling.enum;
export type Pooling = (typeof poolings)[number];

/** Rules across fields of a training spec. */
export const specRules = Object.values(code).flatMap(({ rules }) => rules);

interface Drawn {
  readonly sampler: string;
  readonly reference_quirks?: boolean | undefined;
}

/**
 * Whether a picture of the request depends on those drawn with it, beside its own seed.
 * @param family of its model; of one that is not known, any family's word counts
 */
export const drawsTogether = (request: Drawn, family: string | undefined): boolean =>
  familyNames
    .filter((name) => family === undefined || name === family)
    .some((name) => code[name].drawsTogether(request));

export interface ModelLayout {
  readonly family: FamilyName;
  readonly name: string;
  /** Files that a folder of this layout has, relative to it. */
  readonly files: readonly string[];
}

export const modelLayouts: readonly ModelLayout[] = familyNames.flatMap((family) =>
  Object.entries(code[family].layouts).map(([name, files]) => ({ family, name, files })),
);
