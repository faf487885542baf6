import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { LiveMessage } from '@murnau/api-client';
import type { Sweep } from '@murnau/domain';
import { action } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import type { Context } from '../../core/context.js';
import { exitCodes, sweepExitCode } from '../../core/exit-codes.js';
import type { Submission } from '../../core/submission.js';
import { submitting } from '../../core/submission.js';
import { duration, plural } from '../../output/format.js';
import { sayDetached, watchSweep } from '../../watch/follow-sweep.js';
import { addressesOf } from '../../stack/addresses.js';
import type { Addresses } from '../../stack/addresses.js';
import { bringUp } from '../../stack/bring-up.js';
import { everywhereLines } from './everywhere.js';
import { Milestones } from './milestones.js';

interface Options {
  readonly once?: boolean;
  readonly out: string;
}

export function register(command: Command, host: Host): void {
  command
    .option('--once', 'stop everything afterwards; stdout is one JSON object')
    .option('--out <folder>', 'folder for the embedding and the contact sheet', 'murnau-demo');
  action<Options>(command, host, async (context, _, options) => {
    // Set-up apart: under `npm start` this process begins where set-up has ended.
    const times = new Milestones(performance.timeOrigin);
    const { setupSeconds } = context.environment;
    if (setupSeconds !== undefined) context.say(`Set-up took ${duration(setupSeconds)}.`);
    try {
      return await submitting(
        context,
        async (submission) => {
          const { stack, seconds } = await bringUp(context, {});
          context.say(`The stack answers after ${duration(seconds)}.`);
          const addresses = (): Promise<Addresses> => addressesOf(context, stack);
          return sweepAndShow(context, options, { times, addresses, submission });
        },
        'Interrupted: no sweep was started. Stop what runs of the stack: murnau down',
      );
    } finally {
      if (options.once === true) await stopEverything(context);
    }
  });
}

interface DemoSweep {
  readonly times: Milestones;
  /** Made when they are shown: the link to the gallery is good for minutes only. */
  readonly addresses: () => Promise<Addresses>;
  readonly submission: Submission;
}

async function sweepAndShow(
  given: Context,
  options: Options,
  { times, addresses, submission }: DemoSweep,
): Promise<number> {
  const isOnce = options.once === true;
  // Its document is the report, so what is watched goes to stderr even with --json.
  const context: Context = { ...given, isJson: false };
  const { out, err } = context.io;
  const sweep = await startSweep(context, submission);
  const onMessage = (message: LiveMessage): void => {
    const reached = times.note(message, Date.now());
    if (reached === undefined || err.isLive) return;
    context.say(`The ${reached} came after ${duration(times.seconds(Date.now()))}.`);
  };
  const { end } = await watchSweep(context, sweep.id, { onMessage, interrupt: submission.interrupt });
  if (end === undefined && isOnce) {
    context.say(`Interrupted: sweep ${sweep.id} goes on at the next murnau up.`);
    return exitCodes.interrupted;
  }
  if (end === undefined) {
    sayDetached(context, sweep.id);
    context.say(`The gallery shows it: ${(await addresses()).gallery}`);
    return exitCodes.detached;
  }
  const { bestOf, demoReport, printDemoEnd, writeDemoFiles } = await import('./report.js');
  const { board } = end;
  const best = bestOf(end.sweep, board);
  const files = await writeDemoFiles(context.client(), best, resolve(options.out));
  const report = demoReport(board, best, times, files);
  const isDocument = isOnce || given.isJson;
  const everywhere = everywhereLines(context.environment);
  const shown = isOnce ? undefined : await addresses();
  printDemoEnd(
    isDocument ? err : out,
    { report, board, best, files, addresses: shown, everywhere },
    context.spell,
  );
  if (isDocument) out.line(JSON.stringify({ ...report, ...shown }));
  return sweepExitCode(end.sweep.phase, end.sweep.counts, 'any');
}

async function startSweep(context: Context, { send }: Submission): Promise<Sweep> {
  const { demoPlan } = await import('./demo-plan.js');
  const { resolveSweepDatasets, withUploadedDatasets } = await import('../../spec/sweep-datasets.js');
  const { expandTrials } = await import('@murnau/domain');
  const { file, folder } = await demoPlan();
  const trials = expandTrials(file);
  const datasets = await resolveSweepDatasets({ file, folder, trials });
  const client = context.client();
  const spec = await withUploadedDatasets(client, file, datasets, (name, pictures) =>
    context.say(`Dataset ${name}: ${plural(pictures, 'picture')}.`),
  );
  const sweep = await send(() => client.createSweep(spec));
  context.say(`Sweep ${sweep.name} ${sweep.id}: ${plural(sweep.trials, 'trial')}. Ctrl-C leaves it going.`);
  return sweep;
}

async function stopEverything(context: Context): Promise<void> {
  const { stopStack } = await import('@murnau/stack');
  await stopStack({ home: context.environment.home });
  context.say('Everything is stopped.');
}
