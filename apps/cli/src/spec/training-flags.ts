import {
  familyParameters,
  hyperparameterNames,
  hyperparametersSchema,
  objectives,
  optimizers,
  rateKey,
  templateLanguages,
  towers,
} from '@murnau/domain';
import type { Property } from '@murnau/domain';
import { z } from 'zod';

/** Each with its help, if it has one. */
const objectiveWords = objectives
  .map(({ name, help }) => (help === '' ? name : `${name} (${help})`))
  .join(' | ');

/** What values a parameter has, as its help ends. */
function valuesOf(property: Property): string {
  if ('enum' in property) return `: ${property.enum.join(' | ')}`;
  if (property.type === 'boolean') return ': true | false';
  if (property.type === 'string') return '';
  const { exclusiveMinimum: above, exclusiveMaximum: below } = property;
  return above === undefined || below === undefined ? '' : `, between ${above} and ${below}`;
}

/** What each hyper-parameter's flag says; a test holds it equal to the domain's list. */
export const hyperparameterHelp: Readonly<Record<string, string>> = {
  num_vectors: 'vectors learnt per tower, as consecutive tokens: 1 to 16',
  objective: `what is minimised: ${objectiveWords}`,
  ...Object.fromEntries(
    Object.entries(familyParameters).map(([name, property]) => [
      name,
      `${property.description}${valuesOf(property)}`,
    ]),
  ),
  ...Object.fromEntries(
    towers.map(({ name, title }) => [
      rateKey(name),
      `learning rate of the ${title} rows, relative to the vocabulary rows' RMS`,
    ]),
  ),
  learning_rate_unit: 'relative | absolute (as in the reference)',
  schedule: 'learning rate over the steps: constant | cosine | linear',
  schedule_steps: 'steps of the schedule (default: max_steps)',
  warmup_steps: 'steps over which the learning rates rise from 0',
  optimizer: `of torch: ${optimizers.join(' | ')}`,
  weight_decay: 'weight decay, as the optimizer means it',
  loss_weight: 'weight of a sample by its timestep: uniform | min_snr',
  min_snr_gamma: 'gamma of min_snr',
  batch_size: 'pictures per batch',
  gradient_accumulation_steps: 'batches per optimizer step',
  max_steps: 'steps to train',
  seed: 'seed of every draw of the run',
  resize: 'how pictures come to size: squash | crop | bucket (keeps proportions)',
  flip_probability: 'chance of mirroring a picture, 0..1',
  loss_mask: 'what of a picture the loss looks at: none (all) | alpha | file',
  loss_mask_floor: 'weight of what the mask leaves out, 0..1',
  templates: 'prompts to train with: object | style | captions (beside the pictures)',
  template_languages: `languages of the decoder's prompts, such as en,de: ${templateLanguages.join(', ')}`,
  norm: "length of the learnt rows: free | vocabulary (kept at the vocabulary's)",
  ema_decay: 'decay of the moving average that is sampled and published',
  packing: 'packed | exclusive (alone in its batch: bit-reproducible)',
  publish: 'rows that become the embedding: averaged | last | best (lowest eval_loss)',
};

/** The words that a hyper-parameter may be; empty where it is a number or a text. */
export function knownValues(name: string): string[] {
  let schema: unknown = hyperparametersSchema.shape[name as keyof typeof hyperparametersSchema.shape];
  while (schema instanceof z.ZodDefault || schema instanceof z.ZodOptional) schema = schema.unwrap();
  if (schema instanceof z.ZodBoolean) return ['true', 'false'];
  return schema instanceof z.ZodEnum ? schema.options.map(String) : [];
}

export const flagOf = (name: string): string => `--${name.replaceAll('_', '-')}`;
/** Commander's property name of a flag. */
export const propertyOf = (name: string): string =>
  name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** Hyper-parameters that were given as flags. */
export function hyperparametersOf(options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const given = hyperparameterNames.map((name) => [name, options[propertyOf(name)]] as const);
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}

/** Numbers as numbers, true and false as such; the domain's schema says what else is wrong. */
export function flagValue(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
}
