import { Option } from 'commander';
import type { Command } from 'commander';
import { defaultModel, samplers } from '@murnau/domain';
import { collected, decimal, wholeNumber } from '../core/list.js';

/** What every drawing command takes. */
export interface DrawingOptions {
  readonly model?: string;
  readonly embedding?: string[];
  readonly count?: number;
  readonly seed?: number;
  readonly numSteps?: number;
  readonly guidanceScale?: number;
  readonly priorSteps?: string;
  readonly priorGuidanceScale?: number;
  readonly sampler?: string;
  readonly ddimEta?: number;
  readonly width?: number;
  readonly height?: number;
  readonly negativePriorPrompt?: string;
  readonly negativeDecoderPrompt?: string;
  readonly referenceQuirks?: boolean;
  readonly previewEverySteps?: number;
  readonly out: string;
}

export function addDrawingOptions(command: Command): Command {
  return command
    .option('--model <name>', `model to use (default: ${defaultModel})`)
    .option(
      '--embedding <id-or-placeholder>',
      'embedding to use; may be repeated (default: the newest of each learnt word in the texts)',
      collected,
    )
    .option('--count <n>', 'pictures (default: 4)', wholeNumber(1))
    .option('--seed <n>', 'picture i has seed + i (default: 0)', wholeNumber(0))
    .option('--num-steps <n>', "decoder steps (default: the model's)", wholeNumber(1))
    .option('--guidance-scale <x>', "decoder guidance (default: the model's)", decimal)
    .option('--prior-steps <steps>', `prior steps: 25, ddim25, or 10,5 for sections (default: the model's)`)
    .option('--prior-guidance-scale <x>', "prior guidance (default: the model's)", decimal)
    .addOption(new Option('--sampler <name>', "decoder's sampler (default: ddim_sampler)").choices(samplers))
    .option(
      '--ddim-eta <x>',
      'share of fresh noise in each step of ddim_sampler, 0 to 1 (default: 0)',
      decimal,
    )
    .option('--width <pixels>', "width (default: the picture's shape on the model's area)", wholeNumber(1))
    .option('--height <pixels>', 'height (default: likewise)', wholeNumber(1))
    .option('--negative-prior-prompt <text>', 'what the prior keeps away from')
    .option('--negative-decoder-prompt <text>', 'what the decoder keeps away from')
    .option('--reference-quirks', 'follow the original where that is wrong')
    .option('--preview-every-steps <n>', 'show a preview every n decoder steps', wholeNumber(1))
    .option('--out <folder>', 'folder for the PNG files', 'murnau-pictures');
}

/** Those that were given, under the names of the API. */
export function givenOptions(options: DrawingOptions): Record<string, unknown> {
  const all = {
    model: options.model,
    count: options.count,
    seed: options.seed,
    num_steps: options.numSteps,
    guidance_scale: options.guidanceScale,
    prior_steps: options.priorSteps,
    prior_guidance_scale: options.priorGuidanceScale,
    sampler: options.sampler,
    ddim_eta: options.ddimEta,
    width: options.width,
    height: options.height,
    negative_prior_prompt: options.negativePriorPrompt,
    negative_decoder_prompt: options.negativeDecoderPrompt,
    reference_quirks: options.referenceQuirks,
    preview_every_steps: options.previewEverySteps,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}
