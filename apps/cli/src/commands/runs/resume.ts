import type { Command } from 'commander';
import { action } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { editLeaf } from '../../core/edit-command.js';
import type { EditOptions } from '../../core/edit-command.js';

export function registerRunsResume(parent: Command, host: Host): void {
  const command = editLeaf(parent, 'resume <id>', 'let a paused run go on');
  action<EditOptions>(command, host, async (context, [id = ''], { why }) => {
    const run = await context.client().editRun(id, 'resume', why);
    context.say(`Run ${run.name} ${run.id} goes on from step ${run.certified_step}.`);
    context.result(run, () => {});
  });
}
