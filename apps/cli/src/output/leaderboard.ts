import type { Leaderboard, Run } from '@murnau/domain';
import type { Colours } from '../core/io.js';
import { phaseText, shortName, varyingParameters } from '../watch/run-line.js';
import { metric, parameter } from './format.js';
import { tableLines } from './table.js';
import type { Column } from './table.js';

/** Metrics shown beside the sweep's own, if any run has them, with titles that leave room for the rest. */
const titles: Readonly<Record<string, string>> = {
  eval_gain: 'eval_gain',
  eval_loss: 'eval_loss',
  image_alignment: 'alignment',
  baseline_image_alignment: 'baseline',
};

function leaderboardColumns(board: Leaderboard, colours: Colours): Column<Run>[] {
  const { runs } = board;
  const ranks = new Map(runs.map(({ id }, index) => [id, index + 1]));
  const varying = varyingParameters(runs);
  const metrics = [board.metric, ...Object.keys(titles).filter((name) => name !== board.metric)].filter(
    (name) => name === board.metric || runs.some((run) => run.metrics[name] !== undefined),
  );
  return [
    { title: 'rank', align: 'right', cell: ({ id }) => String(ranks.get(id)) },
    { title: 'run', cell: ({ id }) => id },
    { title: 'trial', align: 'right', cell: ({ trial }) => String(trial ?? 0) },
    ...varying.map((name) => ({
      title: shortName(name),
      cell: (run: Run) => parameter(run.parameters[name] ?? ''),
    })),
    ...metrics.map((name) => ({
      title: titles[name] ?? name,
      align: 'right' as const,
      cell: (run: Run) => metric(name, run.metrics[name]),
    })),
    { title: 'phase', cell: ({ phase }) => phaseText(phase, colours) },
    { title: 'embedding', cell: ({ embedding_id }) => embedding_id ?? '' },
  ];
}

/** Best first, as the server ranks them. */
export function leaderboardLines(board: Leaderboard, colours: Colours): string[] {
  return tableLines(board.runs, leaderboardColumns(board, colours), colours);
}
