/** What no table can say of Kandinsky 2.0: its part of the registry. */

/** As near to the reference script of the family's successor as its own words allow; the rest is the same. */
const reference = {
  num_vectors: 1,
  objective: 'joint',
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
  max_steps: 3000,
  resize: 'squash',
  flip_probability: 0.5,
  loss_mask: 'none',
  templates: 'object',
  template_languages: 'en',
  norm: 'free',
  ema_decay: 0,
  publish: 'last',
} as const;

export const kandinsky20 = {
  rules: [],
  presets: { reference },
  /** Files by which a folder shows its layout: of a converted model its UNet, of the original the same. */
  layouts: {
    diffusers: ['kandinsky-2-0/unet/config.json', 'kandinsky-2-0/text_join/config.json'],
    original: ['2_0/Kandinsky-2-0.pt'],
  },
  /** With the original's quirks, which are the default, p_sampler limits all pictures as the first. */
  drawsTogether: ({
    sampler,
    reference_quirks,
  }: {
    readonly sampler: string;
    readonly reference_quirks?: boolean | undefined;
  }): boolean => reference_quirks !== false && sampler === 'p_sampler',
} as const;
