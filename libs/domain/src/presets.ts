import type { z } from 'zod';
import type { hyperparametersSchema } from './training-spec.js';

/** Named sets of hyper-parameters; what is set beside a preset wins. */

/** Each is written out, so that a change of our defaults changes nothing here. */
const reference = {
  num_vectors: 1,
  objective: 'joint',
  pooling: 'argmax',
  learning_rate_t1: 1e-4,
  learning_rate_t2: 1e-4,
  learning_rate_unit: 'absolute',
  schedule: 'constant',
  warmup_steps: 0,
  optimizer: 'adamw',
  weight_decay: 0.01,
  loss_weight: 'uniform',
  batch_size: 1,
  gradient_accumulation_steps: 1,
  /** The script counts epochs, by default 1000: so many steps of three pictures. */
  max_steps: 3000,
  resize: 'squash',
  flip_probability: 0.5,
  loss_mask: 'none',
  templates: 'object',
  template_languages: 'en',
  text_dropout: false,
  norm: 'free',
  ema_decay: 0,
  prior_steps: 5,
  publish: 'last',
} as const satisfies Partial<z.input<typeof hyperparametersSchema>>;

export const presets = { reference } as const;
export type Preset = keyof typeof presets;
export const presetNames = Object.keys(presets) as [Preset, ...Preset[]];

/** The hyper-parameters of a preset; of none, none. */
export const presetValues = (name: Preset | undefined): Partial<z.input<typeof hyperparametersSchema>> =>
  name === undefined ? {} : presets[name];
