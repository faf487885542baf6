import { Option } from 'commander';
import type { Command } from 'commander';
import {
  defaultModel,
  familyNames,
  hyperparameterNames,
  MurnauError,
  needsOfRun,
  parse,
  presetNames,
  presetValues,
  trainingSpecSchema,
} from '@murnau/domain';
import type { Embedding, FamilyName, Preset, TrainingSpec } from '@murnau/domain';
import { badPictureOption } from '../../core/bad-picture-option.js';
import { action, addExamples } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import type { Context } from '../../core/context.js';
import { collected } from '../../core/list.js';
import { submitting } from '../../core/submission.js';
import type { Submission } from '../../core/submission.js';
import { suggestValues } from '../../core/suggestions.js';
import { plural } from '../../output/format.js';
import { addInitializerFlags, initializersGiven } from '../../spec/initializer-flags.js';
import type { BadPictureRule } from '../../spec/picture-folder.js';
import {
  flagOf,
  flagValue,
  hyperparameterHelp,
  hyperparametersOf,
  knownValues,
  propertyOf,
} from '../../spec/training-flags.js';
import { followRun } from '../../watch/follow-run.js';

interface Options {
  readonly placeholder: string;
  readonly initializer?: string;
  readonly initializerEmbedding?: string;
  readonly preset?: Preset;
  readonly model: string;
  readonly name?: string;
  readonly set?: string[];
  readonly watch?: boolean;
  readonly onBadPicture: BadPictureRule;
}

export function register(command: Command, host: Host): void {
  addExamples(command, [
    {
      command: 'murnau train examples/purple-car --placeholder lumicar --initializer car --watch',
      does: 'uploads the pictures, starts a run and follows it',
    },
    {
      command: 'murnau train 5f0c11aa --placeholder lumicar --initializer car --set samples.every_steps=25',
      does: 'trains on a dataset that is there already and prints the id of the run',
    },
    {
      command:
        'murnau train examples/purple-car --placeholder lumicar --initializer car --preset reference --max-steps 3000',
      does: 'trains as the reference script does, see docs/reference-mode.md',
    },
  ]);
  command
    .requiredOption('--placeholder <word>', 'the new word: 2 to 32 letters a to z that no tokenizer knows')
    .option(
      '--initializer <word>',
      'the known word to start from, one token in both towers; with several vectors also a phrase, spread over them',
    );
  addInitializerFlags(command)
    .option(
      '--initializer-embedding <id>',
      'start from a learnt embedding of the model instead; its initializer and number of vectors stand where none is given',
    )
    .addOption(
      new Option(
        '--preset <name>',
        'values of what no other flag sets: reference (as the reference script)',
      ).choices(presetNames),
    )
    .option('--model <name>', 'model to train on', defaultModel)
    .option('--name <name>', 'name of the run (default: PLACEHOLDER-INITIALIZER)')
    .option('--watch', 'follow the run to its end; Ctrl-C leaves it going')
    .option('--set <key=value>', 'set any key of the training spec; may be repeated', collected)
    .addOption(badPictureOption());
  for (const name of hyperparameterNames) {
    const help = hyperparameterHelp[name] ?? name;
    const option = new Option(`${flagOf(name)} <value>`, help).argParser(flagValue);
    command.addOption(suggestValues(option, knownValues(name)));
  }
  action<Options>(command, host, (context, [dataset = ''], options) =>
    submitting(context, (submission) => train(context, dataset, options, submission)),
  );
}

async function train(
  context: Context,
  dataset: string,
  options: Options,
  { send, interrupt }: Submission,
): Promise<number> {
  const { checkReference, ensureDataset, remarksOn, resolveDataset } = await import('../../spec/datasets.js');
  const spec = await specOf(options, await familyOf(context, options), await embeddingOf(context, options));
  const reference = await resolveDataset(dataset, process.cwd(), options.onBadPicture);
  checkReference(reference, needsOfRun(spec));
  for (const remark of remarksOn(reference)) context.say(remark);
  const client = context.client();
  if (reference.kind === 'folder') {
    const { checkWordsOfSpec } = await import('../../spec/check-words.js');
    await checkWordsOfSpec(client, spec);
  }
  const uploaded = await ensureDataset(client, reference);
  context.say(
    `Dataset ${uploaded.dataset.name} ${uploaded.dataset.id}: ${plural(uploaded.dataset.images.length, 'picture')}, ${uploaded.sent} sent.`,
  );
  const run = await send(() =>
    client.createRun({
      ...(options.name === undefined ? {} : { name: options.name }),
      dataset_id: uploaded.dataset.id,
      spec,
    }),
  );
  context.say(`Run ${run.name} ${run.id}: ${plural(run.spec.max_steps, 'step')} on ${run.spec.model}.`);
  if (options.watch === true || interrupt.signal.aborted) return followRun(context, run.id, interrupt);
  context.result(run, () => context.io.out.line(run.id));
  context.say(`Watch it: murnau runs watch ${run.id}`);
  return 0;
}

/** Of the model, where a preset asks for it; undefined: the default's, or of a model that is not served. */
async function familyOf(context: Context, { model, preset }: Options): Promise<FamilyName | undefined> {
  if (preset === undefined || model === undefined || model === defaultModel) return undefined;
  const served = (await context.client().models()).find(({ name }) => name === model);
  return familyNames.find((name) => name === served?.family);
}

/** The embedding to start from, if one is named. */
async function embeddingOf(
  context: Context,
  { initializerEmbedding: text }: Options,
): Promise<Embedding | undefined> {
  if (text === undefined) return undefined;
  const { findEmbedding } = await import('../../spec/embeddings.js');
  return findEmbedding(context.client(), text);
}

/** The word that a run starts from, or is compared with where it starts from an embedding. */
function initializerOf({ initializer }: Options, embedding: Embedding | undefined): string {
  const word = initializer ?? embedding?.initializer_token ?? undefined;
  if (word !== undefined) return word;
  const why =
    embedding === undefined
      ? 'the word to start from is missing'
      : `the embedding ${embedding.id} does not say what it was started from`;
  throw new MurnauError('usage.invalid', `--initializer: ${why}`, {
    field: '--initializer',
    allowed: 'a known word, such as --initializer car',
  });
}

/** An error about a value that a flag has given names the flag as well. */
function withFlag(error: unknown, options: Options): unknown {
  if (!(error instanceof MurnauError)) return error;
  const { code, message, field = '', given, allowed } = error;
  const isGiven = (options as unknown as Record<string, unknown>)[propertyOf(field)] !== undefined;
  const isSet = options.set?.some((text) => text.startsWith(`${field}=`)) === true;
  if (!isGiven || isSet) return error;
  return new MurnauError(code, `${flagOf(field)}: ${message}`, { field, given, allowed, cause: error });
}

/** The preset, then flags, then `--set`, checked by the domain before anything is read or sent. */
async function specOf(
  options: Options,
  family: FamilyName | undefined,
  embedding: Embedding | undefined,
): Promise<TrainingSpec> {
  let value: unknown = {
    ...presetValues(options.preset, family),
    ...(embedding === undefined ? {} : { num_vectors: embedding.num_vectors }),
    ...hyperparametersOf(options as unknown as Record<string, unknown>),
    model: options.model,
    placeholder_token: options.placeholder,
    initializer_token: initializerOf(options, embedding),
    ...initializersGiven(options),
    initializer_embedding: embedding?.id,
  };
  if (options.set !== undefined) {
    const { parseSetValue, withValue } = await import('../../spec/set-values.js');
    for (const text of options.set) {
      const set = parseSetValue(text);
      value = withValue(value, set.path, set.value);
    }
  }
  try {
    return parse(trainingSpecSchema, value, 'training spec');
  } catch (error) {
    throw withFlag(error, options);
  }
}
