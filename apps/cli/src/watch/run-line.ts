import type { Run, RunPhase } from '@murnau/domain';
import type { Colours } from '../core/io.js';
import { bar } from '../output/bar.js';
import { duration, metric, parameter } from '../output/format.js';
import type { StepRate } from './rate.js';

const marks: Readonly<Record<RunPhase, string>> = {
  queued: '·',
  running: '▶',
  waiting: '◇',
  paused: '‖',
  finished: '✓',
  failed: '✗',
  cancelled: '⊘',
};

export function phaseText(phase: string, colours: Colours, text = phase): string {
  if (phase === 'finished') return colours.green(text);
  if (phase === 'failed') return colours.red(text);
  if (phase === 'cancelled' || phase === 'paused') return colours.yellow(text);
  if (phase === 'running') return colours.cyan(text);
  return colours.dim(text);
}

const phaseMark = (phase: RunPhase, colours: Colours): string => phaseText(phase, colours, marks[phase]);

/** `initializer=train batch_size=4`, in the order of the sweep file. */
export function parametersText(parameters: Run['parameters'], only?: readonly string[]): string {
  return Object.entries(parameters)
    .filter(([name]) => only === undefined || only.includes(name))
    .map(([name, value]) => `${shortName(name)}=${parameter(value)}`)
    .join(' ');
}

/** Names that appear in every row are shortened where nothing is lost. */
export const shortName = (name: string): string => name.replace(/^learning_rate_/, 'lr_');

/** Parameters that differ between runs: the others say nothing in a comparison. */
export function varyingParameters(runs: readonly Run[]): string[] {
  const names = new Set(runs.flatMap((run) => Object.keys(run.parameters)));
  return [...names].filter((name) => new Set(runs.map((run) => run.parameters[name])).size > 1);
}

const stepDigits = (run: Run): string => {
  const max = String(run.spec.max_steps);
  return `${String(run.step).padStart(max.length)}/${max}`;
};

export function restartsOf(run: Run): number {
  return Object.values(run.restarts).reduce((sum, count) => sum + count, 0);
}

/** Bar, step/max, score, speed and time left of a run; no name. */
export function progressText(
  run: Run,
  rate: StepRate | undefined,
  colours: Colours,
  score: string,
  barWidth: number,
): string {
  const fraction = run.step / run.spec.max_steps;
  const parts = [
    `${phaseMark(run.phase, colours)} ${phaseText(run.phase, colours, bar(fraction, barWidth))}`,
    stepDigits(run),
    `${score} ${metric(score, run.metrics[score])}`.padEnd(score.length + 8),
  ];
  if (run.phase === 'running') {
    const speed = rate?.perSecond();
    const left = rate?.remainingSeconds(run.spec.max_steps);
    if (run.step === run.spec.max_steps) parts.push('making the last pictures');
    else if (speed === undefined) parts.push(run.step === 0 ? 'starting' : '');
    else parts.push(`${speed.toFixed(1)} steps/s`, left === undefined ? '' : `${duration(left)} left`);
  } else {
    parts.push(phaseText(run.phase, colours));
  }
  if (run.failure !== null) parts.push(colours.red(run.failure.message));
  return parts.filter((part) => part !== '').join('  ');
}
