import type { Command } from 'commander';
import { action } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { wholeNumber } from '../../core/list.js';
import { plural } from '../../output/format.js';
import { editLeaf, showEdited } from '../../core/edit-command.js';
import type { EditOptions } from '../../core/edit-command.js';

export function registerSweepSetConcurrency(parent: Command, host: Host): void {
  const command = editLeaf(parent, 'set-concurrency <id> <n>', 'set how many trials may be open at once');
  action<EditOptions>(command, host, async (context, [id = '', n = ''], { why }) => {
    const most = wholeNumber(1)(n);
    const body = { max_concurrent_trials: most, why };
    const sweep = await context.client().editSweep(id, 'concurrency', body);
    showEdited(context, sweep, `runs up to ${plural(most, 'trial')} at once`);
  });
}
