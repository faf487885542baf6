import type { Command } from 'commander';
import { action } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { editLeaf } from '../../core/edit-command.js';
import type { EditOptions } from '../../core/edit-command.js';

export function registerRunsPause(parent: Command, host: Host): void {
  const command = editLeaf(parent, 'pause <id>', 'pause a run: it checkpoints and holds no device');
  action<EditOptions>(command, host, async (context, [id = ''], { why }) => {
    const run = await context.client().editRun(id, 'pause', why);
    context.say(`Run ${run.name} ${run.id} is being paused at step ${run.step}.`);
    context.result(run, () => {});
  });
}
