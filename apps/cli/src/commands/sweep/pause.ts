import type { Command } from 'commander';
import { action } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { editLeaf, showEdited } from '../../core/edit-command.js';
import type { EditOptions } from '../../core/edit-command.js';

export function registerSweepPause(parent: Command, host: Host): void {
  const command = editLeaf(
    parent,
    'pause <id>',
    'pause a sweep: running trials checkpoint and free their slots',
  );
  action<EditOptions>(command, host, async (context, [id = ''], { why }) => {
    showEdited(context, await context.client().editSweep(id, 'pause', { why }), 'is being paused');
  });
}
