import type { Command } from 'commander';
import type { Embedding } from '@murnau/domain';
import { action, leaf } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { list, withLimit } from '../../core/list.js';
import type { LimitOptions } from '../../core/list.js';
import { ago, metric } from '../../output/format.js';

interface Options extends LimitOptions {
  readonly placeholder?: string;
  readonly model?: string;
  readonly run?: string;
}

export function registerEmbeddingsLs(parent: Command, host: Host): void {
  const command = withLimit(
    leaf(parent, 'ls', 'list learnt and imported embeddings, newest first')
      .option('--placeholder <word>', 'only those of this word')
      .option('--model <name>', 'only those of this model')
      .option('--run <id>', 'only those of this run'),
  );
  action<Options>(command, host, async (context, _, { placeholder, model, run, ...options }) => {
    const now = Date.now();
    const query = { placeholder, model, run_id: run };
    const score = (name: string) => ({
      title: name,
      align: 'right' as const,
      cell: ({ scores }: { scores: Record<string, number> }) => metric(name, scores[name]),
    });
    await list<Embedding>(context, (limit) => context.client().embeddings({ ...query, limit }), {
      ...options,
      columns: [
        { title: 'id', cell: ({ id }) => id },
        { title: 'placeholder', cell: ({ placeholder_token }) => placeholder_token },
        { title: 'initializer', cell: ({ initializer_token }) => initializer_token ?? '' },
        { title: 'model', cell: (embedding) => embedding.model },
        { title: 'step', align: 'right', cell: ({ step }) => String(step) },
        { title: 'rows', cell: ({ published }) => published ?? '' },
        score('eval_gain'),
        score('image_alignment'),
        { title: 'from', cell: ({ run_id, source }) => run_id ?? source },
        { title: 'created', cell: ({ created_at }) => ago(created_at, now) },
      ],
      none: 'No embedding yet: each finished run leaves one.',
    });
  });
}
