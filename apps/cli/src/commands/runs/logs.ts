import type { Command } from 'commander';
import type { StoredEvent } from '@murnau/domain';
import { action, leaf } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { wholeNumber } from '../../core/list.js';

interface Options {
  readonly limit: number;
}

const pageSize = 1_000;

/** What an event says beside its kind: `key value` pairs, nothing nested. */
function textOf({ data }: StoredEvent): string {
  return Object.entries(data)
    .filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value))
    .map(([name, value]) => (name === 'message' ? String(value) : `${name} ${String(value)}`))
    .join('  ');
}

export function registerRunsLogs(parent: Command, host: Host): void {
  const command = leaf(parent, 'logs <id>', 'print what happened to a run, oldest first').option(
    '--limit <n>',
    'most lines; the newest are shown',
    wholeNumber(1),
    500,
  );
  action<Options>(command, host, async (context, [id = ''], { limit }) => {
    const client = context.client();
    const events: StoredEvent[] = [];
    for (let after: string | undefined; ;) {
      const page = await client.log('runs', id, { after, limit: pageSize });
      events.push(...page.filter(({ kind }) => kind !== 'progress'));
      after = page.at(-1)?.id;
      if (page.length < pageSize) break;
    }
    const shown = events.slice(-limit);
    context.result(shown, () => {
      for (const event of shown)
        context.io.out.line(`${event.created_at}  ${event.kind}  ${textOf(event)}`.trimEnd());
    });
  });
}
