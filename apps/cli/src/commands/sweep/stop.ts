import type { Command } from 'commander';
import { action } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { editLeaf, showEdited } from '../../core/edit-command.js';
import type { EditOptions } from '../../core/edit-command.js';

export function registerSweepStop(parent: Command, host: Host): void {
  const command = editLeaf(parent, 'stop <id>', 'start no further trial; those that run end by themselves');
  action<EditOptions>(command, host, async (context, [id = ''], { why }) => {
    showEdited(context, await context.client().editSweep(id, 'stop', { why }), 'starts nothing more');
  });
}
