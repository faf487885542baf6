import { Option } from 'commander';
import type { Command } from 'commander';
import { defaultModel, familyOptions, familyTable, samplers } from '@murnau/domain';
import type { Property } from '@murnau/domain';
import { collected, decimal, wholeNumber } from '../core/list.js';
import { flagOf, propertyOf } from '../spec/training-flags.js';

/** What every drawing command takes, beside the families' own options. */
export interface DrawingOptions {
  readonly model?: string;
  readonly embedding?: string[];
  readonly count?: number;
  readonly seed?: number;
  readonly numSteps?: number;
  readonly guidanceScale?: number;
  readonly sampler?: string;
  readonly ddimEta?: number;
  readonly width?: number;
  readonly height?: number;
  readonly previewEverySteps?: number;
  readonly out: string;
}

/** The flags of a family's option; what may be on by default is turned off by another. */
function flagsOfOption(name: string, property: Property): readonly Option[] {
  const { description } = property;
  const flag = flagOf(name);
  if (property.type === 'boolean') {
    const isOnSomewhere = Object.values(familyTable).some(({ options }) => isOn(options[name]));
    const off = new Option(flag.replace('--', '--no-'), `do not ${description}`);
    return [new Option(flag, description), ...(isOnSomewhere ? [off] : [])];
  }
  if ('format' in property && property.format === 'prompt') {
    return [new Option(`${flag} <text>`, description)];
  }
  const help = `${description} (default: the model's)`;
  if ('enum' in property) return [new Option(`${flag} <name>`, help).choices(property.enum)];
  if (property.type === 'string') return [new Option(`${flag} <steps>`, help)];
  return [new Option(`${flag} <x>`, help).argParser(decimal)];
}

const isOn = (property: Property | undefined): boolean =>
  property?.type === 'boolean' && property.default === true;

export function addDrawingOptions(command: Command): Command {
  command
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
    .addOption(new Option('--sampler <name>', "decoder's sampler (default: ddim_sampler)").choices(samplers))
    .option(
      '--ddim-eta <x>',
      'share of fresh noise in each step of ddim_sampler, 0 to 1 (default: 0)',
      decimal,
    )
    .option('--width <pixels>', "width (default: the picture's shape on the model's area)", wholeNumber(1))
    .option('--height <pixels>', 'height (default: likewise)', wholeNumber(1));
  for (const [name, property] of Object.entries(familyOptions)) {
    for (const option of flagsOfOption(name, property)) command.addOption(option);
  }
  return command
    .option('--preview-every-steps <n>', 'show a preview every n decoder steps', wholeNumber(1))
    .option('--out <folder>', 'folder for the PNG files', 'murnau-pictures');
}

/** Those that were given, under the names of the API. */
export function givenOptions(options: DrawingOptions): Record<string, unknown> {
  const given = options as unknown as Readonly<Record<string, unknown>>;
  const all = {
    model: options.model,
    count: options.count,
    seed: options.seed,
    num_steps: options.numSteps,
    guidance_scale: options.guidanceScale,
    sampler: options.sampler,
    ddim_eta: options.ddimEta,
    width: options.width,
    height: options.height,
    ...Object.fromEntries(Object.keys(familyOptions).map((name) => [name, given[propertyOf(name)]])),
    preview_every_steps: options.previewEverySteps,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}
