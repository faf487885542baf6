import type { Command } from 'commander';
import { action } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { editLeaf, showEdited } from '../../core/edit-command.js';
import type { EditOptions } from '../../core/edit-command.js';

export function registerSweepRetry(parent: Command, host: Host): void {
  const command = editLeaf(
    parent,
    'retry <id>',
    'begin the failed trials again, each from its newest checkpoint',
  ).option('--failed', 'the failed trials (the default, and all there is to retry)');
  action<EditOptions>(command, host, async (context, [id = ''], { why }) => {
    const sweep = await context.client().editSweep(id, 'retry', { why });
    showEdited(context, sweep, 'tries its failed trials again');
  });
}
