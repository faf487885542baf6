import type { Command } from 'commander';
import { action } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { wholeNumber } from '../../core/list.js';
import { editLeaf, showEdited } from '../../core/edit-command.js';
import type { EditOptions } from '../../core/edit-command.js';

export function registerSweepDropTrial(parent: Command, host: Host): void {
  const command = editLeaf(parent, 'drop-trial <id> <trial>', 'end one trial without a result');
  action<EditOptions>(command, host, async (context, [id = '', trial = ''], { why }) => {
    const sweep = await context.client().editSweep(id, `trials/${wholeNumber(0)(trial)}/drop`, { why });
    showEdited(context, sweep, `drops trial ${trial}`);
  });
}
