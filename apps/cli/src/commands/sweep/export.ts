import { Option } from 'commander';
import type { Command } from 'commander';
import type { Run } from '@murnau/domain';
import { action, leaf } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { collect } from '../../core/list.js';
import { csv } from '../../output/csv.js';

const formats = ['csv', 'json'] as const;

interface Options {
  readonly format: (typeof formats)[number];
  readonly out?: string;
}

/** A line per trial, best first: what it is, its parameters, its scores. */
function trialsCsv(runs: readonly Run[]): string {
  const names = (of: (run: Run) => object): string[] => [
    ...new Set(runs.flatMap((run) => Object.keys(of(run)))),
  ];
  const parameters = names(({ parameters: given }) => given);
  const metrics = names(({ metrics: given }) => given).sort();
  const fixed = ['trial', 'run', 'phase', 'early_stop', 'rung', 'step', 'device_s', 'embedding'];
  const lines = runs.map((run) => [
    ...[run.trial, run.id, run.phase, run.early_stop, run.rung, run.certified_step],
    ...[run.device_s.toFixed(1), run.embedding_id],
    ...parameters.map((name) => run.parameters[name]),
    ...metrics.map((name) => run.metrics[name]),
  ]);
  return csv([[...fixed, ...parameters, ...metrics], ...lines]);
}

export function registerSweepExport(parent: Command, host: Host): void {
  const command = leaf(parent, 'export <id>', 'write its trials with parameters and scores as a table')
    .addOption(
      new Option('--format <format>', 'csv: the trials; json: the sweep, its trials and all decisions')
        .choices(formats)
        .default('csv'),
    )
    .option('--out <file>', 'write to a file (default: stdout)');
  action<Options>(command, host, async (context, [id = ''], { format, out }) => {
    const client = context.client();
    const [sweep, board] = await Promise.all([client.sweep(id), client.leaderboard(id)]);
    const decisions = await collect(client.decisions(id));
    const document = { sweep, ...board, decisions: decisions.reverse() };
    const text = format === 'csv' ? trialsCsv(board.runs) : `${JSON.stringify(document, null, 1)}\n`;
    if (out === undefined) return context.result(document, () => context.io.out.write(text));
    const { writeFileTo } = await import('../../output/files.js');
    await writeFileTo(out, Buffer.from(text));
    context.say(`Wrote ${out}.`);
    context.result({ file: out, trials: board.runs.length }, () => {});
  });
}
