import type { Command } from 'commander';
import { action } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { editLeaf, showEdited } from '../../core/edit-command.js';
import type { EditOptions } from '../../core/edit-command.js';
import { wholeNumber } from '../../core/list.js';

export function registerSweepPick(parent: Command, host: Host): void {
  const command = editLeaf(
    parent,
    'pick <id> <trials...>',
    'at a gate, pick the trials that train to the end; the others finish where they are',
  );
  action<EditOptions>(command, host, async (context, [id = '', ...given], { why }) => {
    const trials = given.map(wholeNumber(0));
    const sweep = await context.client().editSweep(id, 'winners', { trials, why });
    showEdited(context, sweep, `goes on with trial ${trials.join(', ')}`);
  });
}
