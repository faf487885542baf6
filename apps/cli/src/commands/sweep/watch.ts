import type { Command } from 'commander';
import { action, leaf } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import type { FailOn } from '../../core/exit-codes.js';
import { findSweep } from '../../core/find-by-id.js';
import { followSweep } from '../../watch/follow-sweep.js';
import { failOnOption } from './options.js';

export function registerSweepWatch(parent: Command, host: Host): void {
  const command = leaf(parent, 'watch <id>', 'follow a sweep to its end; Ctrl-C leaves it going').addOption(
    failOnOption(),
  );
  action<{ failOn: FailOn }>(command, host, async (context, [id = ''], { failOn }) => {
    const sweep = await findSweep(context, id);
    return followSweep(context, sweep.id, failOn);
  });
}
