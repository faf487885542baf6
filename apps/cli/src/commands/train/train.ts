import { Option } from 'commander';
import type { Command } from 'commander';
import { defaultModel, hyperparameterNames, needsOfRun, parse, trainingSpecSchema } from '@murnau/domain';
import type { TrainingSpec } from '@murnau/domain';
import { badPictureOption } from '../../core/bad-picture-option.js';
import { action, leaf } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { plural } from '../../output/format.js';
import type { BadPictureRule } from '../../spec/picture-folder.js';
import { flagOf, flagValue, hyperparameterHelp, hyperparametersOf } from '../../spec/training-flags.js';
import { followRun } from '../../watch/follow-run.js';

interface Options {
  readonly placeholder: string;
  readonly initializer: string;
  readonly model: string;
  readonly name?: string;
  readonly set?: string[];
  readonly watch?: boolean;
  readonly onBadPicture: BadPictureRule;
}

export const collected = (value: string, previous: string[] | undefined): string[] => [
  ...(previous ?? []),
  value,
];

export function registerTrain(parent: Command, host: Host): void {
  const command = leaf(
    parent,
    'train <dataset>',
    'train one embedding on a folder of pictures or a dataset id',
    [
      {
        command: 'murnau train examples/purple-car --placeholder lumicar --initializer car --watch',
        does: 'uploads the pictures, starts a run and follows it',
      },
      {
        command: 'murnau train 5f0c11aa --placeholder lumicar --initializer car --set samples.every_steps=25',
        does: 'trains on a dataset that is there already and prints the id of the run',
      },
    ],
  )
    .requiredOption('--placeholder <word>', 'the new word: 2 to 32 letters a to z that no tokenizer knows')
    .requiredOption('--initializer <word>', 'the known word to start from: one token in both towers')
    .option('--model <name>', 'model to train on', defaultModel)
    .option('--name <name>', 'name of the run (default: PLACEHOLDER-INITIALIZER)')
    .option('--watch', 'follow the run to its end; Ctrl-C leaves it going')
    .option('--set <key=value>', 'set any key of the training spec; may be repeated', collected)
    .addOption(badPictureOption());
  for (const name of hyperparameterNames) {
    const help = hyperparameterHelp[name] ?? name;
    command.addOption(new Option(`${flagOf(name)} <value>`, help).argParser(flagValue));
  }
  action<Options>(command, host, async (context, [dataset = ''], options) => {
    const spec = await specOf(options);
    const { checkReference, ensureDataset, remarksOn, resolveDataset } =
      await import('../../spec/datasets.js');
    const reference = await resolveDataset(dataset, process.cwd(), options.onBadPicture);
    checkReference(reference, needsOfRun(spec));
    for (const remark of remarksOn(reference)) context.say(remark);
    const client = context.client();
    const uploaded = await ensureDataset(client, reference);
    context.say(
      `Dataset ${uploaded.dataset.name} ${uploaded.dataset.id}: ${plural(uploaded.dataset.images.length, 'picture')}, ${uploaded.sent} sent.`,
    );
    const run = await client.createRun({
      ...(options.name === undefined ? {} : { name: options.name }),
      dataset_id: uploaded.dataset.id,
      spec,
    });
    context.say(`Run ${run.name} ${run.id}: ${plural(run.spec.max_steps, 'step')} on ${run.spec.model}.`);
    if (options.watch === true) return followRun(context, run.id);
    context.result(run, () => context.io.out.line(run.id));
    context.say(`Watch it: murnau runs watch ${run.id}`);
    return 0;
  });
}

/** Flags, then `--set`, checked by the domain before anything is read or sent. */
async function specOf(options: Options): Promise<TrainingSpec> {
  let value: unknown = {
    ...hyperparametersOf(options as unknown as Record<string, unknown>),
    model: options.model,
    placeholder_token: options.placeholder,
    initializer_token: options.initializer,
  };
  if (options.set !== undefined) {
    const { parseSetValue, withValue } = await import('../../spec/set-values.js');
    for (const text of options.set) {
      const set = parseSetValue(text);
      value = withValue(value, set.path, set.value);
    }
  }
  return parse(trainingSpecSchema, value, 'training spec');
}
