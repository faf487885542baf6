import type { Command } from 'commander';
import { action } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { editLeaf } from '../../core/edit-command.js';
import type { EditOptions } from '../../core/edit-command.js';

export function registerRunsStop(parent: Command, host: Host): void {
  const command = editLeaf(
    parent,
    'stop <id>',
    'finish a run now, with the embedding of its newest checkpoint',
  );
  action<EditOptions>(command, host, async (context, [id = ''], { why }) => {
    const run = await context.client().editRun(id, 'stop', why);
    context.say(`Run ${run.name} ${run.id} is being finished at step ${run.step}.`);
    context.result(run, () => {});
  });
}
