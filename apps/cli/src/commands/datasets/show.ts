import type { Command } from 'commander';
import type { DatasetImage } from '@murnau/domain';
import { action, leaf } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { fieldLines, tableLines } from '../../output/table.js';

export function registerDatasetsShow(parent: Command, host: Host): void {
  const command = leaf(parent, 'show <id>', 'show a dataset and its pictures');
  action(command, host, async (context, [id = '']) => {
    const dataset = await context.client().dataset(id);
    context.result(dataset, () => {
      const { out } = context.io;
      const fields = [
        ['dataset', `${dataset.name} ${dataset.id}`],
        ['owner', dataset.owner],
        ['created', dataset.created_at],
        ['pictures', String(dataset.images.length)],
        ['masks', String(dataset.images.filter(({ mask_hash }) => mask_hash !== null).length)],
        ['captions', String(dataset.images.filter(({ caption }) => caption !== null).length)],
      ] as const;
      for (const line of fieldLines(fields, out.colours)) out.line(line);
      out.line();
      const columns = [
        { title: 'picture', cell: ({ name }: DatasetImage) => name },
        { title: 'size', cell: ({ width, height }: DatasetImage) => `${width}×${height}` },
        { title: 'sha256', cell: ({ hash }: DatasetImage) => hash.slice(0, 12) },
        { title: 'mask', cell: ({ mask_hash }: DatasetImage) => mask_hash?.slice(0, 12) ?? '-' },
        { title: 'caption', cell: ({ caption }: DatasetImage) => caption ?? '-' },
      ];
      for (const line of tableLines(dataset.images, columns, out.colours)) out.line(line);
    });
  });
}
