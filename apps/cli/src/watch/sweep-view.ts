import { expectedTrials } from '@murnau/domain';
import type { Run, Sweep } from '@murnau/domain';
import type { Colours } from '../core/io.js';
import { duration, metric, plural } from '../output/format.js';
import { pad, truncate, visibleWidth } from '../output/text.js';
import { parametersText, progressText, varyingParameters } from './run-line.js';
import type { WatchState } from './state.js';

export interface ViewSize {
  readonly columns: number;
  readonly rows: number;
}

const isOpen = (run: Run): boolean => ['running', 'queued', 'waiting', 'paused'].includes(run.phase);

const plannedTrials = ({ counts }: Sweep): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);

/** `2 finished, 1 running, 1 queued, 4 to come`. */
export function countsText(sweep: Sweep): string {
  const { counts } = sweep;
  const order = ['finished', 'running', 'waiting', 'queued', 'paused', 'failed', 'cancelled'];
  const parts = order.filter((phase) => (counts[phase] ?? 0) > 0).map((phase) => `${counts[phase]} ${phase}`);
  const toCome = expectedTrials(sweep) - plannedTrials(sweep);
  if (toCome > 0) parts.push(`${toCome} to come`);
  return parts.join(', ');
}

/** The best run by a metric among those that have it. */
function bestRun(runs: readonly Run[], name: string, goal: 'maximize' | 'minimize'): Run | undefined {
  const sign = goal === 'maximize' ? 1 : -1;
  return runs
    .filter((run) => run.metrics[name] !== undefined)
    .sort((a, b) => sign * ((b.metrics[name] ?? 0) - (a.metrics[name] ?? 0)))[0];
}

/** Rows that fit: what runs first, then what ended last, then what waits; shown by trial number. */
function chosenRuns(runs: readonly Run[], room: number): Run[] {
  if (runs.length <= room) return [...runs];
  const rank = (run: Run): number => (run.phase === 'running' ? 0 : isOpen(run) ? 2 : 1);
  return [...runs]
    .sort((a, b) => rank(a) - rank(b) || (b.trial ?? 0) - (a.trial ?? 0))
    .slice(0, room)
    .sort((a, b) => (a.trial ?? 0) - (b.trial ?? 0));
}

/** Lines of the live view of a sweep: a headline, one row per trial, a footer. */
export function sweepLines(state: WatchState, size: ViewSize, colours: Colours): string[] {
  const { sweep } = state;
  if (sweep === undefined) return [colours.dim('waiting for the first news of the sweep')];
  const runs = state.runs();
  const { name: score, goal } = sweep.spec.metric;
  const left = state.remainingSeconds();
  const headline = [
    `${colours.bold(`sweep ${sweep.name}`)} ${colours.dim(sweep.id)}`,
    countsText(sweep),
    sweep.phase === 'running' && left !== undefined ? `about ${duration(left)} left` : '',
  ];
  const lines = [headline.filter((part) => part !== '').join('  ·  ')];
  const shown = chosenRuns(runs, Math.max(1, size.rows - 3));
  const varying = varyingParameters(runs);
  const labels = shown.map((run) => parametersText(run.parameters, varying.length > 0 ? varying : undefined));
  const labelWidth = Math.min(Math.max(0, ...labels.map(visibleWidth)), Math.floor(size.columns * 0.45));
  const barWidth = Math.max(6, Math.min(24, size.columns - labelWidth - 62));
  shown.forEach((run, index) => {
    const trial = colours.dim(String(run.trial ?? 0).padStart(2, '0'));
    const label = pad(truncate(labels[index] ?? '', labelWidth), labelWidth);
    const progress = progressText(run, state.rate(run.id), colours, score, barWidth);
    lines.push(`${trial} ${label}  ${progress}`);
  });
  const others = plannedTrials(sweep) - shown.length;
  if (others > 0) lines.push(colours.dim(`… and ${others} more`));
  const best = bestRun(runs, score, goal);
  if (best !== undefined) {
    const value = metric(score, best.metrics[score]);
    lines.push(colours.dim(`best so far: trial ${best.trial ?? 0} with ${score} ${value}`));
  }
  return lines;
}

/** The same in one line, for a log. */
export function sweepLine(state: WatchState): string {
  const { sweep } = state;
  if (sweep === undefined) return 'waiting for the first news of the sweep';
  const runs = state.runs();
  const { name: score, goal } = sweep.spec.metric;
  const best = bestRun(runs, score, goal);
  const left = state.remainingSeconds();
  return [
    `${plural(expectedTrials(sweep), 'trial')}: ${countsText(sweep)}`,
    best === undefined
      ? ''
      : `best ${score} ${metric(score, best.metrics[score])} (trial ${best.trial ?? 0})`,
    left === undefined || sweep.phase !== 'running' ? '' : `about ${duration(left)} left`,
  ]
    .filter((part) => part !== '')
    .join(', ');
}
