import type { Command } from 'commander';
import type { Run } from '@murnau/domain';
import { action, leaf } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { compact, metric } from '../../output/format.js';
import { orderedMetrics } from '../../output/metrics.js';
import { tableLines } from '../../output/table.js';

interface Row {
  readonly name: string;
  readonly values: readonly string[];
}

/** Keys of the specs whose values are not all the same. */
function differing(runs: readonly Run[]): Row[] {
  const keys = [...new Set(runs.flatMap(({ spec }) => Object.keys(spec)))] as (keyof Run['spec'])[];
  return keys
    .map((name) => ({ name, values: runs.map(({ spec }) => compact(spec[name])) }))
    .filter(({ values }) => new Set(values).size > 1);
}

export function registerRunsCompare(parent: Command, host: Host): void {
  const command = leaf(parent, 'compare <ids...>', 'show runs side by side: what differs, and their scores');
  action(command, host, async (context, ids) => {
    const client = context.client();
    const runs = await Promise.all(ids.map((id) => client.run(id)));
    context.result(runs, () => {
      const { out } = context.io;
      const names = orderedMetrics(
        Object.assign({}, ...runs.map(({ metrics }) => metrics)) as Run['metrics'],
      );
      const rows: Row[] = [
        { name: 'name', values: runs.map(({ name }) => name) },
        { name: 'phase', values: runs.map(({ phase }) => phase) },
        { name: 'step', values: runs.map(({ certified_step }) => String(certified_step)) },
        ...differing(runs),
        ...names.map((name) => ({ name, values: runs.map(({ metrics }) => metric(name, metrics[name])) })),
      ];
      const columns = [
        { title: '', cell: ({ name }: Row) => name },
        ...runs.map(({ id }, index) => ({
          title: id,
          align: 'right' as const,
          cell: ({ values }: Row) => values[index] ?? '',
        })),
      ];
      for (const line of tableLines(rows, columns, out.colours)) out.line(line);
    });
  });
}
