import { join } from 'node:path';
import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { defaultModel, generationRequestSchema, MurnauError, parse, slug } from '@murnau/domain';
import type { Generation } from '@murnau/domain';
import { action, leaf } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import type { Context } from '../../core/context.js';
import { exitCodes, runExitCode } from '../../core/exit-codes.js';
import { catchInterrupt } from '../../core/interrupt.js';
import { wholeNumber } from '../../core/list.js';
import { bar } from '../../output/bar.js';
import { plural } from '../../output/format.js';
import { Screen } from '../../output/screen.js';
import { collected } from '../train/train.js';

interface Options {
  readonly model: string;
  readonly embedding?: string[];
  readonly count?: number;
  readonly seed?: number;
  readonly numSteps?: number;
  readonly guidanceScale?: number;
  readonly priorSteps?: number;
  readonly priorGuidanceScale?: number;
  readonly sampler?: string;
  readonly width?: number;
  readonly height?: number;
  readonly negativePrompt?: string;
  readonly negativePriorPrompt?: string;
  readonly out: string;
}

function decimal(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('It must be a number.');
  return value;
}

export function registerGenerate(parent: Command, host: Host): void {
  const command = leaf(parent, 'generate <prompt>', 'make pictures from text, learnt words included', [
    {
      command: 'murnau generate "a photo of lumicar on a blue background" --out pictures',
      does: 'four pictures with the newest embedding of each learnt word, and a contact sheet',
    },
  ])
    .option('--model <name>', 'model to use', defaultModel)
    .option(
      '--embedding <id-or-placeholder>',
      'embedding to use; may be repeated (default: the newest of each learnt word in the prompt)',
      collected,
    )
    .option('--count <n>', 'pictures (default: 4)', wholeNumber(1))
    .option('--seed <n>', 'picture i has seed + i (default: 0)', wholeNumber(0))
    .option('--num-steps <n>', "decoder steps (default: the model's)", wholeNumber(1))
    .option('--guidance-scale <x>', "decoder guidance (default: the model's)", decimal)
    .option('--prior-steps <n>', "prior steps (default: the model's)", wholeNumber(1))
    .option('--prior-guidance-scale <x>', "prior guidance (default: the model's)", decimal)
    .addOption(new Option('--sampler <name>', "decoder's sampler").choices(['ddim_sampler', 'p_sampler']))
    .option('--width <pixels>', "width (default: the model's)", wholeNumber(1))
    .option('--height <pixels>', "height (default: the model's)", wholeNumber(1))
    .option('--negative-prompt <text>', 'what the decoder keeps away from')
    .option('--negative-prior-prompt <text>', 'what the prior keeps away from')
    .option('--out <folder>', 'folder for the PNG files', 'murnau-pictures');
  action<Options>(command, host, async (context, [prompt = ''], options) => {
    const request = parse(
      generationRequestSchema.partial().required({ prompt: true }),
      {
        model: options.model,
        prompt,
        count: options.count,
        seed: options.seed,
        num_steps: options.numSteps,
        guidance_scale: options.guidanceScale,
        prior_steps: options.priorSteps,
        prior_guidance_scale: options.priorGuidanceScale,
        sampler: options.sampler,
        width: options.width,
        height: options.height,
        negative_decoder_prompt: options.negativePrompt,
        negative_prior_prompt: options.negativePriorPrompt,
      },
      'picture request',
    );
    const client = context.client();
    const { findEmbedding } = await import('../../spec/embeddings.js');
    const ids: string[] = [];
    for (const text of options.embedding ?? []) ids.push((await findEmbedding(client, text)).id);
    const started = await client.createGeneration({
      ...request,
      ...(ids.length > 0 ? { embedding_ids: ids } : {}),
    });
    const generation = await followGeneration(context, started);
    if (generation === undefined) {
      await client.cancelGeneration(started.id).catch(() => {});
      context.say(`Interrupted: generation ${started.id} is cancelled.`);
      return exitCodes.interrupted;
    }
    if (generation.phase !== 'finished') return ended(context, generation);
    const files = await saveGeneration(context, generation, options.out);
    context.say(
      `${plural(generation.images.length, 'picture')} of generation ${generation.id}, contact sheet last:`,
    );
    context.result({ ...generation, ...files }, () => {
      for (const path of [...files.files, files.contact_sheet]) context.io.out.line(path);
    });
    return exitCodes.done;
  });
}

function ended(context: Context, generation: Generation): number {
  const { failure, phase } = generation;
  context.result(generation, () => {});
  context.say(
    failure === null
      ? `Generation ${generation.id} was ${phase}.`
      : `Generation ${generation.id} failed: ${failure.message}\n  code     ${failure.code}\n  next     ${failure.next_step}`,
  );
  return runExitCode(phase);
}

/** @returns undefined when interrupted. */
async function followGeneration(context: Context, started: Generation): Promise<Generation | undefined> {
  const { err } = context.io;
  const interrupt = catchInterrupt();
  const screen = err.isLive && !context.isJson ? new Screen(err) : undefined;
  let latest = started;
  try {
    for await (const message of context
      .client()
      .follow('generations', started.id, { signal: interrupt.signal })) {
      if (message.kind !== 'generation') continue;
      latest = message.generation;
      const { progress, phase } = latest;
      screen?.draw([`${bar(progress, 30)} ${String(Math.round(progress * 100)).padStart(3)} %  ${phase}`]);
    }
    return interrupt.signal.aborted ? undefined : await context.client().generation(latest.id);
  } finally {
    screen?.close({ clear: true });
    interrupt.release();
  }
}

async function saveGeneration(
  context: Context,
  generation: Generation,
  folder: string,
): Promise<{ files: string[]; contact_sheet: string }> {
  const { writeFileTo } = await import('../../output/files.js');
  const client = context.client();
  const base = `${slug(generation.request.prompt)}-${generation.id}`;
  const files: string[] = [];
  for (const { hash, seed } of generation.images) {
    const path = join(folder, `${base}-seed-${seed}.png`);
    await writeFileTo(path, await client.blob(hash));
    files.push(path);
  }
  if (files.length === 0)
    throw new MurnauError('internal', `generation ${generation.id} ended without pictures`);
  const contactSheet = join(folder, `${base}-sheet.png`);
  await writeFileTo(contactSheet, await client.sheet('generations', generation.id));
  return { files, contact_sheet: contactSheet };
}
