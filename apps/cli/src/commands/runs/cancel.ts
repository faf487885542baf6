import type { Command } from 'commander';
import { action, leaf } from '../../core/command.js';
import type { Host } from '../../core/command.js';

export function registerRunsCancel(parent: Command, host: Host): void {
  const command = leaf(parent, 'cancel <id>', 'stop a run for good; what it has stored stays');
  action(command, host, async (context, [id = '']) => {
    const run = await context.client().cancelRun(id);
    context.say(`Run ${run.name} ${run.id} is being cancelled at step ${run.step}.`);
    context.result(run, () => {});
  });
}
