import type { Command } from 'commander';
import { MurnauError, vectorsOf } from '@murnau/domain';
import type { Worker } from '@murnau/domain';
import { badPictureOption } from '../../core/bad-picture-option.js';
import { action, leaf } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import type { Context } from '../../core/context.js';
import type { FailOn } from '../../core/exit-codes.js';
import { collected } from '../../core/list.js';
import { submitting } from '../../core/submission.js';
import type { Submission } from '../../core/submission.js';
import { plural } from '../../output/format.js';
import type { BadPictureRule } from '../../spec/picture-folder.js';
import { followSweep } from '../../watch/follow-sweep.js';
import { failOnOption } from './options.js';

interface Options {
  readonly dryRun?: boolean;
  readonly testMode?: boolean;
  readonly set?: string[];
  readonly watch?: boolean;
  readonly onBadPicture: BadPictureRule;
  readonly failOn: FailOn;
}

export function registerSweepCreate(parent: Command, host: Host): void {
  const command = leaf(
    parent,
    'create <file>',
    'check a sweep file, upload its pictures and start the sweep',
    [
      {
        command: 'murnau sweep create examples/purple-car.yaml --dry-run',
        does: 'shows every trial; starts nothing',
      },
      {
        command: 'murnau sweep create examples/purple-car.yaml --test-mode --watch',
        does: 'runs every trial for a few steps, to see that the whole works',
      },
      {
        command: 'murnau sweep create examples/purple-car.yaml --set max_steps=50 --watch',
        does: 'starts the sweep with one value changed and follows it',
      },
    ],
  )
    .option('--dry-run', 'check everything and show the trials; upload and start nothing')
    .option('--test-mode', 'try it out: each trial a few steps, one checkpoint and one picture')
    .option(
      '--set <key=value>',
      'override a key of the file, or fix a hyper-parameter; may be repeated',
      collected,
    )
    .option('--watch', 'follow the sweep to its end; Ctrl-C leaves it going')
    .addOption(badPictureOption())
    .addOption(failOnOption());
  action<Options>(command, host, (context, [path = ''], options) =>
    submitting(context, (submission) => create(context, path, options, submission)),
  );
}

async function create(
  context: Context,
  path: string,
  options: Options,
  { send, interrupt }: Submission,
): Promise<number> {
  const { loadSweep } = await import('../../spec/sweep-file.js');
  const { remarksOn } = await import('../../spec/datasets.js');
  const { resolveSweepDatasets, withUploadedDatasets } = await import('../../spec/sweep-datasets.js');
  const loaded = await loadSweep(path, {
    sets: options.set ?? [],
    isTestMode: options.testMode === true,
  });
  const datasets = await resolveSweepDatasets(loaded, options.onBadPicture);
  for (const reference of datasets.values()) {
    for (const remark of remarksOn(reference)) context.say(remark);
  }
  for (const notice of loaded.notices) context.say(notice);
  if (options.dryRun === true) {
    const { describePlan, estimate } = await import('../../output/describe-plan.js');
    if (loaded.file.method === 'tpe') {
      context.say('Values as they may be: each trial is suggested by those that ended before it.');
    }
    const plan = estimate(loaded.trials, await workersIfReachable(context));
    context.result({ ...plan, planned: loaded.trials }, () => describePlan(context, loaded.trials, plan));
    return 0;
  }
  const client = context.client();
  const relocated = (error: unknown): never => {
    throw error instanceof MurnauError && error.field !== undefined ? loaded.locate(error) : error;
  };
  if ([...datasets.values()].some(({ kind }) => kind === 'folder')) {
    const { checkWordsOfSweep } = await import('../../spec/check-words.js');
    await checkWordsOfSweep(client, loaded.file, vectorsOf(loaded.file).least).catch(relocated);
  }
  const spec = await withUploadedDatasets(client, loaded.file, datasets, (name, pictures, sent) =>
    context.say(`Dataset ${name}: ${plural(pictures, 'picture')}, ${sent} sent.`),
  );
  const sweep = await send(() => client.createSweep(spec)).catch(relocated);
  context.say(`Sweep ${sweep.name} ${sweep.id}: ${plural(sweep.trials, 'trial')}.`);
  if (options.watch === true || interrupt.signal.aborted) {
    return followSweep(context, sweep.id, options.failOn, interrupt);
  }
  context.result(sweep, () => context.io.out.line(sweep.id));
  context.say(`Watch it: murnau sweep watch ${sweep.id}`);
  return 0;
}

/** A dry run needs no server; with one it tells the device time. */
async function workersIfReachable(context: Context): Promise<Worker[]> {
  try {
    return await context.client().workers();
  } catch (error) {
    if (!(error instanceof MurnauError) || error.code !== 'server.unreachable') throw error;
    context.say('No server answers: the file and the pictures were checked here, the words were not.');
    return [];
  }
}
