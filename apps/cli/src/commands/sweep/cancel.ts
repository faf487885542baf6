import type { Command } from 'commander';
import { action } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { confirm } from '../../core/confirm.js';
import { editLeaf } from '../../core/edit-command.js';
import type { EditOptions } from '../../core/edit-command.js';
import { exitCodes } from '../../core/exit-codes.js';
import { countsText } from '../../watch/sweep-view.js';

export function registerSweepCancel(parent: Command, host: Host): void {
  const command = editLeaf(
    parent,
    'cancel <id>',
    'stop a sweep and its running trials for good; what is stored stays',
  );
  action<EditOptions>(command, host, async (context, [id = ''], { why }) => {
    const client = context.client();
    const sweep = await client.sweep(id);
    const isOpen = sweep.phase === 'running' || sweep.phase === 'paused';
    const trials = countsText(sweep);
    if (isOpen && !(await confirm(context, `Cancel sweep ${sweep.name} (${trials})?`))) {
      context.say('Nothing was cancelled.');
      return exitCodes.interrupted;
    }
    const cancelled = await client.cancelSweep(sweep.id, why);
    context.say(`Sweep ${cancelled.name} ${cancelled.id} is being cancelled.`);
    context.result(cancelled, () => {});
    return exitCodes.done;
  });
}
