import type { Command } from 'commander';
import { action, leaf } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { list, withLimit } from '../../core/list.js';
import type { LimitOptions } from '../../core/list.js';
import { ago } from '../../output/format.js';

export function registerDatasetsLs(parent: Command, host: Host): void {
  const command = withLimit(leaf(parent, 'ls', 'list datasets, newest first'));
  action<LimitOptions>(command, host, async (context, _, options) => {
    const now = Date.now();
    await list(context, (limit) => context.client().datasets({ limit }), {
      ...options,
      columns: [
        { title: 'id', cell: ({ id }) => id },
        { title: 'name', cell: ({ name }) => name },
        { title: 'pictures', align: 'right', cell: ({ images }) => String(images.length) },
        { title: 'owner', cell: ({ owner }) => owner },
        { title: 'created', cell: ({ created_at }) => ago(created_at, now) },
      ],
      none: 'No dataset yet. Add one: murnau datasets add FOLDER',
    });
  });
}
