import { families } from './generated.js';

/** What no table can say of Kandinsky 2.1: its part of the registry. */

/** What its rules read of a training spec. */
export interface Kandinsky21Spec {
  readonly objective: string;
  readonly max_steps: number;
  readonly schedule_steps?: number | undefined;
  readonly warm_steps?: number | undefined;
}

const { default: warmSteps } = families['kandinsky-2.1'].parameters.warm_steps;

const rules = [
  {
    path: ['warm_steps'],
    error: 'must be less than max_steps, or no joint step follows',
    holds: (spec: Kandinsky21Spec): boolean =>
      spec.objective !== 'warm_joint' || (spec.warm_steps ?? warmSteps) < spec.max_steps,
  },
  {
    path: ['max_steps'],
    error: 'must be at least 2 for the objective split: one step for each tower',
    holds: (spec: Kandinsky21Spec): boolean =>
      spec.objective !== 'split' || (spec.schedule_steps ?? spec.max_steps) >= 2,
  },
] as const;

/** The reference script's. Each value is written out, so that a change of our defaults changes nothing here. */
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
} as const;

export const kandinsky21 = {
  rules,
  presets: { reference },
  /** The model that ships with the checkout. */
  shippedModel: 'kandinsky-2.1-small',
  /** Files by which a folder shows its layout: of diffusers both pipelines, of the original its decoder. */
  layouts: {
    diffusers: ['kandinsky-2-1/model_index.json', 'kandinsky-2-1-prior/model_index.json'],
    original: ['2_1/decoder_fp16.ckpt'],
  },
  /** With the original's quirks a picture depends on those that are drawn with it. */
  drawsTogether: ({ reference_quirks }: { readonly reference_quirks?: boolean | undefined }): boolean =>
    reference_quirks === true,
} as const;
