import type { Command } from 'commander';
import { action, leaf } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { findRun } from '../../core/find-by-id.js';
import { followRun } from '../../watch/follow-run.js';

export function registerRunsWatch(parent: Command, host: Host): void {
  const command = leaf(parent, 'watch <id>', 'follow a run to its end; Ctrl-C leaves it going');
  action(command, host, async (context, [id = '']) => {
    const run = await findRun(context, id);
    return followRun(context, run.id);
  });
}
