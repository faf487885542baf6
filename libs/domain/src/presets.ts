import type { z } from 'zod';
import { familyNames } from './families/families.js';
import { presets } from './families/registry.js';
import type { FamilyName, Preset } from './families/registry.js';
import type { hyperparametersSchema } from './training-spec.js';

/** Named sets of hyper-parameters; what is set beside a preset wins. */

type Hyperparameters = Partial<z.input<typeof hyperparametersSchema>>;

const byFamily: Readonly<Record<FamilyName, Readonly<Record<Preset, Hyperparameters>>>> = presets;
export const presetNames = [...new Set(familyNames.flatMap((family) => Object.keys(byFamily[family])))] as [
  Preset,
  ...Preset[],
];

/**
 * The hyper-parameters of a preset; of none, none.
 * @param family of the model, where it is known
 */
export const presetValues = (
  name: Preset | undefined,
  family: FamilyName = familyNames[0],
): Hyperparameters => (name === undefined ? {} : byFamily[family][name]);
