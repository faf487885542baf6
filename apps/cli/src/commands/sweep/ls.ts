import { Option } from 'commander';
import type { Command } from 'commander';
import { sweepPhases } from '@murnau/domain';
import type { SweepPhase } from '@murnau/domain';
import { action, leaf } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { list, withLimit } from '../../core/list.js';
import type { LimitOptions } from '../../core/list.js';
import { ago } from '../../output/format.js';
import { phaseText } from '../../watch/run-line.js';
import { countsText } from '../../watch/sweep-view.js';

interface Options extends LimitOptions {
  readonly phase?: SweepPhase;
  readonly owner?: string;
}

export function registerSweepLs(parent: Command, host: Host): void {
  const command = withLimit(
    leaf(parent, 'ls', 'list sweeps, newest first')
      .addOption(new Option('--phase <phase>', 'only sweeps in this phase').choices(sweepPhases))
      .option('--owner <name>', "only somebody's sweeps"),
  );
  action<Options>(command, host, async (context, _, { phase, owner, ...options }) => {
    const now = Date.now();
    const { colours } = context.io.out;
    await list(context, (limit) => context.client().sweeps({ limit, phase, owner }), {
      ...options,
      columns: [
        { title: 'id', cell: ({ id }) => id },
        { title: 'name', cell: ({ name }) => name },
        { title: 'phase', cell: (sweep) => phaseText(sweep.phase, colours) },
        { title: 'trials', cell: (sweep) => countsText(sweep) },
        { title: 'best run', cell: ({ best_run_id }) => best_run_id ?? '' },
        { title: 'owner', cell: (sweep) => sweep.owner },
        { title: 'created', cell: ({ created_at }) => ago(created_at, now) },
      ],
      none: 'No sweep yet. Start one: murnau sweep create FILE',
    });
  });
}
