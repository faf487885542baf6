import type { Command } from 'commander';
import { forkRunSchema, parse } from '@murnau/domain';
import { action, leaf } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { collected, wholeNumber } from '../../core/list.js';
import { submitting } from '../../core/submission.js';
import { followRun } from '../../watch/follow-run.js';

interface Options {
  readonly fromStep?: number;
  readonly name?: string;
  readonly set?: string[];
  readonly watch?: boolean;
}

export function registerRunsFork(parent: Command, host: Host): void {
  const command = leaf(parent, 'fork <id>', "start a new run from one's stored checkpoint", [
    {
      command: 'murnau runs fork 7f3a91c2 --from-step 100 --set max_steps=400',
      does: 'goes on from step 100 to step 400, as another run',
    },
  ])
    .option('--from-step <n>', 'a step whose checkpoint is stored (default: the newest)', wholeNumber(0))
    .option('--name <name>', 'name of the new run')
    .option(
      '--set <key=value>',
      'change what the steps that are done do not depend on: max_steps, samples.every_steps, …; may be repeated',
      collected,
    )
    .option('--watch', 'follow the new run to its end; Ctrl-C leaves it going');
  action<Options>(command, host, async (context, [id = ''], { fromStep, name, set = [], watch }) => {
    const { parseSetValue, withValue } = await import('../../spec/set-values.js');
    const spec = set
      .map(parseSetValue)
      .reduce<unknown>((all, { path, value }) => withValue(all, path, value), {});
    const body = { from_step: fromStep, name, spec };
    parse(forkRunSchema, body, 'fork');
    return submitting(context, async ({ send, interrupt }) => {
      const run = await send(() =>
        context.client().forkRun(id, body as Parameters<typeof forkRunSchema.parse>[0] as object),
      );
      context.say(`Run ${run.name} ${run.id} goes on from step ${run.certified_step} of run ${id}.`);
      if (watch === true || interrupt.signal.aborted) return followRun(context, run.id, interrupt);
      context.result(run, () => context.io.out.line(run.id));
      return 0;
    });
  });
}
