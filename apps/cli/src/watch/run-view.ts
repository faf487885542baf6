import type { Colours } from '../core/io.js';
import { metric, plural } from '../output/format.js';
import { mainMetrics } from '../output/metrics.js';
import { progressText, restartsOf } from './run-line.js';
import type { ViewSize } from './sweep-view.js';
import type { WatchState } from './state.js';

const score = 'eval_gain';

/** Lines of the live view of one run. */
export function runLines(state: WatchState, id: string, size: ViewSize, colours: Colours): string[] {
  const run = state.run(id);
  if (run === undefined) return [colours.dim('waiting for the first news of the run')];
  const barWidth = Math.max(8, Math.min(40, size.columns - 62));
  const lines = [
    `${colours.bold(`run ${run.name}`)} ${colours.dim(run.id)}  ${run.spec.placeholder_token} from ${run.spec.initializer_token}`,
    progressText(run, state.rate(id), colours, score, barWidth),
  ];
  const others = mainMetrics
    .filter((name) => name !== score && run.metrics[name] !== undefined)
    .map((name) => `${name} ${metric(name, run.metrics[name])}`);
  if (others.length > 0) lines.push(colours.dim(others.join('  ')));
  const restarts = restartsOf(run);
  if (restarts > 0) lines.push(colours.dim(`taken up again ${plural(restarts, 'time')}`));
  return lines;
}

/** The same in one line, for a log. */
export function runLine(state: WatchState, id: string, colours: Colours): string {
  const run = state.run(id);
  if (run === undefined) return 'waiting for the first news of the run';
  const rate = state.rate(id)?.perSecond();
  return [
    `step ${run.step}/${run.spec.max_steps}`,
    run.metrics[score] === undefined ? '' : `${score} ${metric(score, run.metrics[score])}`,
    run.phase === 'running' && rate !== undefined ? `${rate.toFixed(1)} steps/s` : run.phase,
    run.failure === null ? '' : colours.red(run.failure.message),
  ]
    .filter((part) => part !== '')
    .join(', ');
}
