import type { Command } from 'commander';
import { action } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { editLeaf, showEdited } from '../../core/edit-command.js';
import type { EditOptions } from '../../core/edit-command.js';

export function registerSweepResume(parent: Command, host: Host): void {
  const command = editLeaf(parent, 'resume <id>', 'let a paused sweep go on');
  action<EditOptions>(command, host, async (context, [id = ''], { why }) => {
    showEdited(context, await context.client().editSweep(id, 'resume', { why }), 'goes on');
  });
}
