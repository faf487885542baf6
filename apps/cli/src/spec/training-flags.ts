import { hyperparameterNames } from '@murnau/domain';

/** What each hyper-parameter's flag says; a test holds it equal to the domain's list. */
export const hyperparameterHelp: Readonly<Record<string, string>> = {
  num_vectors: 'vectors per tower (1)',
  objective: 'what is minimised: joint',
  pooling: 'token whose feature CLIP pools: eot | argmax',
  learning_rate_t1: "learning rate of the XLM-R row, relative to the vocabulary rows' RMS",
  learning_rate_t2: "learning rate of the CLIP row, relative to the vocabulary rows' RMS",
  learning_rate_unit: 'relative | absolute (as in the reference)',
  schedule: 'learning rate over the steps: constant | cosine | linear',
  schedule_steps: 'steps of the schedule (default: max_steps)',
  weight_decay: "AdamW's weight decay",
  batch_size: 'pictures per step',
  max_steps: 'steps to train',
  seed: 'seed of every draw of the run',
  resize: 'how pictures come to size: squash | crop | bucket (keeps proportions)',
  flip_probability: 'chance of mirroring a picture, 0..1',
  loss_mask: 'what of a picture counts: none (all of it) | alpha | file (its mask is white)',
  loss_mask_floor: 'weight of what the mask leaves out, 0..1',
  templates: 'prompts to train with: object | style | captions (beside the pictures)',
  template_languages:
    "languages of XLM-R's templates: en, de, fr, ru, separated by commas; CLIP reads English",
  norm: "length of the learnt rows: free | vocabulary (kept at the vocabulary's)",
  ema_decay: 'decay of the moving average that is sampled and published',
  prior_steps: 'steps of the prior within each training step',
  packing: 'packed | exclusive (alone in its batch: bit-reproducible)',
};

export const flagOf = (name: string): string => `--${name.replaceAll('_', '-')}`;
/** Commander's property name of a flag. */
export const propertyOf = (name: string): string =>
  name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** Hyper-parameters that were given as flags. */
export function hyperparametersOf(options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const given = hyperparameterNames.map((name) => [name, options[propertyOf(name)]] as const);
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}

/** Numbers as numbers; the domain's schema says what else is wrong. */
export function flagValue(text: string): string | number {
  return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
}
