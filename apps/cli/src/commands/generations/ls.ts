import type { Command } from 'commander';
import { titleOf } from '@murnau/domain';
import { action, leaf } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { list, withLimit } from '../../core/list.js';
import type { LimitOptions } from '../../core/list.js';
import { ago } from '../../output/format.js';
import { truncate } from '../../output/text.js';

/** Columns of a request's title. */
const longestTitle = 48;

export function registerGenerationsLs(parent: Command, host: Host): void {
  const command = withLimit(leaf(parent, 'ls', 'list generations, newest first'));
  action<LimitOptions>(command, host, async (context, _, options) => {
    const now = Date.now();
    await list(context, (limit) => context.client().generations({ limit }), {
      ...options,
      columns: [
        { title: 'id', cell: ({ id }) => id },
        { title: 'phase', cell: ({ phase }) => phase },
        { title: 'task', cell: ({ request }) => request.task },
        { title: 'pictures', align: 'right', cell: ({ images }) => String(images.length) },
        { title: 'of', cell: ({ request }) => truncate(titleOf(request).replace(/\s+/g, ' '), longestTitle) },
        { title: 'owner', cell: ({ owner }) => owner },
        { title: 'created', cell: ({ created_at }) => ago(created_at, now) },
      ],
      none: 'No generation yet. Draw: murnau generate PROMPT',
    });
  });
}
