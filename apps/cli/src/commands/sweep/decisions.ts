import type { Command } from 'commander';
import { action, leaf } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { list, withLimit } from '../../core/list.js';
import type { LimitOptions } from '../../core/list.js';
import { ago } from '../../output/format.js';

interface Options extends LimitOptions {
  readonly kind?: string;
}

export function registerSweepDecisions(parent: Command, host: Host): void {
  const command = withLimit(
    leaf(parent, 'decisions <id>', 'list what the sweep and people decided, and why, newest first').option(
      '--kind <kind>',
      'only one kind, e.g. promote',
    ),
  );
  action<Options>(command, host, async (context, [id = ''], { kind, ...options }) => {
    const now = Date.now();
    await list(context, (limit) => context.client().decisions(id, { limit, kind }), {
      ...options,
      columns: [
        { title: 'when', cell: ({ at }) => ago(at, now) },
        { title: 'what', cell: (decision) => decision.kind },
        { title: 'trial', align: 'right', cell: ({ trial }) => (trial === null ? '' : String(trial)) },
        { title: 'by', cell: ({ by }) => by },
        { title: 'why', cell: ({ why }) => why },
      ],
      none: 'Nothing was decided yet.',
    });
  });
}
