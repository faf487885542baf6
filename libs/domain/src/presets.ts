import type { z } from 'zod';
import { presets as ofFamilies } from './families/registry.js';
import type { hyperparametersSchema } from './training-spec.js';

/** Named sets of hyper-parameters; what is set beside a preset wins. */

type Hyperparameters = Partial<z.input<typeof hyperparametersSchema>>;

export const presets = ofFamilies satisfies Readonly<Record<string, Hyperparameters>>;
export type Preset = keyof typeof presets;
export const presetNames = Object.keys(presets) as [Preset, ...Preset[]];

/** The hyper-parameters of a preset; of none, none. */
export const presetValues = (name: Preset | undefined): Hyperparameters =>
  name === undefined ? {} : presets[name];
