import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { action, leaf } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { bytes, plural } from '../../output/format.js';
import { embeddedHome } from '../../stack/embedded-home.js';
import { archiving } from './archiving.js';

export function registerAdminBackup(parent: Command, host: Host): void {
  const command = leaf(
    parent,
    'backup <file>',
    'write all data of the embedded stack into one file; it may run meanwhile',
    [{ command: 'murnau admin backup murnau.tar', does: 'everything but the token and the logs' }],
  );
  action(command, host, (context, [file = '']) =>
    archiving(context, 'Interrupted: no backup was made.', async (options) => {
      const { backUpStack } = await import('@murnau/stack');
      const home = embeddedHome(context.environment);
      const { tables, blobs } = await backUpStack({ ...options, home, file });
      const path = resolve(file);
      const { size } = await stat(path);
      const rows = tables.reduce((sum, table) => sum + table.rows, 0);
      context.say(`Wrote ${plural(rows, 'row')} and ${plural(blobs.count, 'file')} (${bytes(size)}).`);
      const document = { path, size_bytes: size, rows, files: blobs.count };
      context.result(document, () => context.io.out.line(path));
    }),
  );
}
