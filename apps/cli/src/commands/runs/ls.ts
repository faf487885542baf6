import { Option } from 'commander';
import type { Command } from 'commander';
import { runPhases } from '@murnau/domain';
import type { RunPhase } from '@murnau/domain';
import { action, leaf } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { list, withLimit } from '../../core/list.js';
import type { LimitOptions } from '../../core/list.js';
import { ago, metric } from '../../output/format.js';
import { phaseText } from '../../watch/run-line.js';

interface Options extends LimitOptions {
  readonly sweep?: string;
  readonly phase?: RunPhase;
  readonly owner?: string;
  readonly placeholder?: string;
}

export function registerRunsLs(parent: Command, host: Host): void {
  const command = withLimit(
    leaf(parent, 'ls', 'list runs, newest first')
      .option('--sweep <id>', 'only the trials of a sweep')
      .addOption(new Option('--phase <phase>', 'only runs in this phase').choices(runPhases))
      .option('--owner <name>', "only somebody's runs")
      .option('--placeholder <word>', 'only runs that learn this word'),
  );
  action<Options>(command, host, async (context, _, { sweep, phase, owner, placeholder, ...options }) => {
    const now = Date.now();
    const { colours } = context.io.out;
    const query = { sweep_id: sweep, phase, owner, placeholder };
    await list(context, (limit) => context.client().runs({ ...query, limit }), {
      ...options,
      columns: [
        { title: 'id', cell: ({ id }) => id },
        { title: 'name', cell: ({ name }) => name },
        { title: 'phase', cell: (run) => phaseText(run.phase, colours) },
        { title: 'step', align: 'right', cell: ({ step, spec }) => `${step}/${spec.max_steps}` },
        {
          title: 'eval_gain',
          align: 'right',
          cell: ({ metrics }) => metric('eval_gain', metrics['eval_gain']),
        },
        {
          title: 'sweep',
          cell: ({ sweep_id, trial }) => (sweep_id === null ? '' : `${sweep_id} #${trial ?? 0}`),
        },
        { title: 'embedding', cell: ({ embedding_id }) => embedding_id ?? '' },
        { title: 'created', cell: ({ created_at }) => ago(created_at, now) },
      ],
      none: 'No run yet. Start one: murnau train FOLDER --placeholder WORD --initializer WORD',
    });
  });
}
