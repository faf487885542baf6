import { families } from './generated.js';
import { kandinsky21 } from './kandinsky-2.1.js';

/** The families: one line each for what the generated table cannot say. */

export type FamilyName = keyof typeof families;

const code = { 'kandinsky-2.1': kandinsky21 } as const satisfies Record<FamilyName, object>;

export const presets = kandinsky21.presets;
export const defaultModel = kandinsky21.shippedModel;

/** How an embedding's text feature may be read; null where its family knows one way only. */
export const poolings = families['kandinsky-2.1'].parameters.pooling.enum;
export type Pooling = (typeof poolings)[number];

/** Rules across fields of a training spec. */
export const specRules = Object.values(code).flatMap(({ rules }) => rules);

/** Whether a picture of the request depends on those drawn with it, beside its own seed. */
export const drawsTogether = (request: Parameters<typeof kandinsky21.drawsTogether>[0]): boolean =>
  Object.values(code).some((family) => family.drawsTogether(request));

export interface ModelLayout {
  readonly family: FamilyName;
  readonly name: string;
  /** Files that a folder of this layout has, relative to it. */
  readonly files: readonly string[];
}

export const modelLayouts: readonly ModelLayout[] = (Object.keys(code) as FamilyName[]).flatMap((family) =>
  Object.entries(code[family].layouts).map(([name, files]) => ({ family, name, files })),
);
