import type { Finalist, Leaderboard, Sweep } from '@murnau/domain';
import type { Context } from '../core/context.js';
import { phaseText } from '../watch/run-line.js';
import { countsText } from '../watch/sweep-view.js';
import { duration, metric } from './format.js';
import { leaderboardLines } from './leaderboard.js';
import { fieldLines, tableLines } from './table.js';

export function describeSweep(
  context: Context,
  sweep: Sweep,
  board: Leaderboard,
  finalists: readonly Finalist[] = [],
): void {
  const { out } = context.io;
  const { colours } = out;
  const endMs = sweep.finished_at === null ? Date.now() : Date.parse(sweep.finished_at);
  const pairs = sweep.spec.parameters.pair.values;
  const fields = [
    ['sweep', `${sweep.name} ${sweep.id}`],
    ['phase', phaseText(sweep.phase, colours)],
    ['why', sweep.failure === null ? undefined : `${sweep.failure.message} (${sweep.failure.code})`],
    ['stopping', sweep.stop_reason ?? undefined],
    ['space', sweep.notices.length === 0 ? undefined : sweep.notices.join(' ')],
    ['gate', gateText(sweep)],
    ['trials', countsText(sweep)],
    ['method', `${sweep.spec.method}, ${sweep.spec.metric.goal} ${sweep.spec.metric.name}`],
    ['model', sweep.spec.model],
    [
      'words',
      [...new Set(pairs.map((pair) => `${pair.placeholder} from ${pair.initializer}`))]
        .slice(0, 6)
        .join(', '),
    ],
    ['best run', sweep.best_run_id ?? undefined],
    ['at once', String(sweep.max_concurrent_trials)],
    ['device time', sweep.device_s === 0 ? undefined : duration(sweep.device_s)],
    ['took', duration((endMs - Date.parse(sweep.created_at)) / 1000)],
    ['owner', sweep.owner],
    ['workflow', sweep.workflow_id],
  ] as const;
  for (const line of fieldLines(fields, colours)) out.line(line);
  if (board.runs.length === 0) return;
  out.line();
  for (const line of leaderboardLines(board, colours)) out.line(line);
  if (finalists.length === 0) return;
  out.line();
  const { name } = sweep.spec.metric;
  const columns = [
    { title: 'finalist', cell: ({ trial }: Finalist) => `trial ${trial}` },
    {
      title: `mean ${name}`,
      align: 'right' as const,
      cell: ({ mean }: Finalist) => metric(name, mean ?? undefined),
    },
    {
      title: 'on each seed',
      cell: ({ repetitions }: Finalist) =>
        repetitions.map(({ seed, value }) => `${seed}: ${metric(name, value ?? undefined)}`).join('  '),
    },
  ];
  for (const line of tableLines(finalists, columns, colours)) out.line(line);
}

function gateText({ gate }: Sweep): string | undefined {
  if (gate === null) return undefined;
  if (gate.is_passed) return `passed at rung ${gate.rung}`;
  const timer = gate.deadline === null ? '' : `; at ${gate.deadline} the best are picked`;
  return `waits at rung ${gate.rung} for somebody to pick${timer}`;
}
