import type { Command } from 'commander';
import { action, leaf } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { plural } from '../../output/format.js';
import { embeddedHome } from '../../stack/embedded-home.js';
import { archiving } from './archiving.js';

export function registerAdminRestore(parent: Command, host: Host): void {
  const command = leaf(
    parent,
    'restore <file>',
    'fill an empty data folder from a backup; then: murnau up, and what was open goes on',
    [
      {
        command: 'MURNAU_HOME=/data/murnau murnau admin restore murnau.tar',
        does: 'into another folder than the one in use',
      },
    ],
  );
  action(command, host, (context, [file = '']) =>
    archiving(context, 'Interrupted: nothing was restored.', async (options) => {
      const { restoreStack } = await import('@murnau/stack');
      const home = embeddedHome(context.environment);
      const { tables, blobs, created_at } = await restoreStack({ ...options, home, file });
      const rows = tables.reduce((sum, table) => sum + table.rows, 0);
      context.say(
        `Restored ${plural(rows, 'row')} and ${plural(blobs.count, 'file')} of ${created_at}. Start it: murnau up`,
      );
      context.result({ home, rows, files: blobs.count, created_at }, () => context.io.out.line(home));
    }),
  );
}
