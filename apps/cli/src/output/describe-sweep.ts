import type { Leaderboard, Sweep } from '@murnau/domain';
import type { Context } from '../core/context.js';
import { phaseText } from '../watch/run-line.js';
import { countsText } from '../watch/sweep-view.js';
import { duration } from './format.js';
import { leaderboardLines } from './leaderboard.js';
import { fieldLines } from './table.js';

export function describeSweep(context: Context, sweep: Sweep, board: Leaderboard): void {
  const { out } = context.io;
  const { colours } = out;
  const endMs = sweep.finished_at === null ? Date.now() : Date.parse(sweep.finished_at);
  const pairs = sweep.spec.parameters.pair.values;
  const fields = [
    ['sweep', `${sweep.name} ${sweep.id}`],
    ['phase', phaseText(sweep.phase, colours)],
    ['why', sweep.failure === null ? undefined : `${sweep.failure.message} (${sweep.failure.code})`],
    ['stopping', sweep.stop_reason ?? undefined],
    ['trials', countsText(sweep.counts, sweep.trials)],
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
}
