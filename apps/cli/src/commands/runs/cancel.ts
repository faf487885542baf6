import type { Command } from 'commander';
import { action } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { editLeaf } from '../../core/edit-command.js';
import type { EditOptions } from '../../core/edit-command.js';

export function registerRunsCancel(parent: Command, host: Host): void {
  const command = editLeaf(parent, 'cancel <id>', 'stop a run for good; what it has stored stays');
  action<EditOptions>(command, host, async (context, [id = ''], { why }) => {
    const run = await context.client().cancelRun(id, why);
    context.say(`Run ${run.name} ${run.id} is being cancelled at step ${run.step}.`);
    context.result(run, () => {});
  });
}
