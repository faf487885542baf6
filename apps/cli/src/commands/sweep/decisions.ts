import type { Command } from 'commander';
import { action, leaf } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { limitOption, list } from '../../core/list.js';
import type { LimitOptions } from '../../core/list.js';
import { ago } from '../../output/format.js';

interface Options extends LimitOptions {
  readonly kind?: string;
}

export function registerSweepDecisions(parent: Command, host: Host): void {
  const command = leaf(
    parent,
    'decisions <id>',
    'list what the sweep and people decided, and why, newest first',
  )
    .option('--kind <kind>', 'only one kind, e.g. promote')
    .addOption(limitOption());
  action<Options>(command, host, async (context, [id = ''], { limit, kind }) => {
    const now = Date.now();
    await list(context, context.client().decisions(id, { limit, kind }), {
      columns: [
        { title: 'when', cell: ({ at }) => ago(at, now) },
        { title: 'what', cell: (decision) => decision.kind },
        { title: 'trial', align: 'right', cell: ({ trial }) => (trial === null ? '' : String(trial)) },
        { title: 'by', cell: ({ by }) => by },
        { title: 'why', cell: ({ why }) => why },
      ],
      none: 'Nothing was decided yet.',
      limit,
    });
  });
}
