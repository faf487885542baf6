import type { Command } from 'commander';
import { action } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { wholeNumber } from '../../core/list.js';
import { editLeaf, showEdited } from '../../core/edit-command.js';
import type { EditOptions } from '../../core/edit-command.js';

export function registerSweepDropTrial(parent: Command, host: Host): void {
  const command = editLeaf(
    parent,
    'drop-trial <id> <trial...>',
    'end one trial or more without a result; those that have ended stay as they are',
  );
  action<EditOptions>(command, host, async (context, [id = '', ...given], { why }) => {
    const trials = given.map(wholeNumber(0));
    const sweep = await context.client().editSweep(id, 'drop', { trials, why });
    showEdited(context, sweep, `drops ${trials.length === 1 ? 'trial' : 'trials'} ${trials.join(', ')}`);
  });
}
