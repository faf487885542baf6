import type { Command } from 'commander';
import { action, leaf } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { findRun } from '../../core/find-by-id.js';
import { collect } from '../../core/list.js';
import { describeRun } from '../../output/describe-run.js';
import { compact } from '../../output/format.js';

export function registerRunsShow(parent: Command, host: Host): void {
  const command = leaf(parent, 'show <id>', 'show a run: phase, scores, spec and last events').option(
    '--sheet <file>',
    'write its contact sheet to a PNG file',
  );
  action<{ sheet?: string }>(command, host, async (context, [id = ''], { sheet }) => {
    const client = context.client();
    const run = await findRun(context, id);
    if (sheet !== undefined) {
      const { writeFileTo } = await import('../../output/files.js');
      await writeFileTo(sheet, await client.sheet('runs', run.id));
      context.say(`Wrote ${sheet}.`);
    }
    if (context.isJson) {
      const [metrics, samples] = await Promise.all([
        collect(client.metrics(run.id)),
        collect(client.samples(run.id)),
      ]);
      return context.result({ run, metrics, samples }, () => {});
    }
    describeRun(context, run);
    const { out } = context.io;
    out.line();
    const spec = Object.entries(run.spec).map(([name, value]) => `${name}: ${compact(value)}`);
    for (const line of spec) out.line(out.colours.dim(line));
  });
}
