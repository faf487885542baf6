import { aloneText, isOpen, judgedLines } from '@murnau/domain';
import type { Run } from '@murnau/domain';
import type { Context } from '../core/context.js';
import { phaseText } from '../watch/run-line.js';
import { duration, metric } from './format.js';
import { mainMetrics, orderedMetrics } from './metrics.js';
import { fieldLines } from './table.js';

const seconds = (from: string | null, to: string | null, nowMs: number): number | undefined =>
  from === null ? undefined : ((to === null ? nowMs : Date.parse(to)) - Date.parse(from)) / 1000;

/** What a person asks of a run first. */
export function describeRun(context: Context, run: Run): void {
  const { out } = context.io;
  const { colours } = out;
  const took = seconds(run.started_at, run.finished_at, Date.now());
  const restarts = Object.entries(run.restarts).map(([cause, count]) => `${cause} ${count}×`);
  const names = orderedMetrics(run.metrics);
  const shown = (wanted: readonly string[]): string =>
    wanted.map((name) => `${name} ${metric(name, run.metrics[name])}`).join('  ');
  const fields = [
    ['run', `${run.name} ${run.id}`],
    ['phase', phaseText(run.phase, colours)],
    ['why', run.failure === null ? undefined : `${run.failure.message} (${run.failure.code})`],
    ['next', run.failure === null ? undefined : context.spell(run.failure.next_step)],
    ['words', `${run.spec.placeholder_token} from ${run.spec.initializer_token}`],
    ['model', run.spec.model],
    ['dataset', run.dataset_id],
    ['sweep', run.sweep_id === null ? undefined : `${run.sweep_id}, trial ${run.trial ?? 0}`],
    ['step', `${run.step} of ${run.spec.max_steps} (certified to ${run.certified_step})`],
    ['rung', run.rung === 0 ? undefined : `${run.rung}, may train to step ${run.target_step}`],
    ['ended early', run.early_stop ?? undefined],
    ['asked to', run.wish ?? undefined],
    [
      'forked from',
      run.forked_from === null ? undefined : `run ${run.forked_from.run_id} at step ${run.forked_from.step}`,
    ],
    ['device time', run.device_s === 0 ? undefined : duration(run.device_s)],
    ['scores', shown(names.filter((name) => mainMetrics.includes(name)))],
    ['other', shown(names.filter((name) => !mainMetrics.includes(name)))],
    ...judgedLines(run).map((line, index) => [index === 0 ? 'judged' : '', line] as const),
    [
      'best',
      run.best === null
        ? undefined
        : `${run.best.name} ${metric(run.best.name, run.best.value)} at step ${run.best.step}`,
    ],
    ['restarts', restarts.join(', ')],
    ['now', isOpen(run.phase) ? aloneText(run) : undefined],
    ['took', took === undefined ? undefined : duration(took)],
    ['embedding', run.embedding_id ?? undefined],
    ['owner', run.owner],
    ['workflow', run.workflow_id],
  ] as const;
  for (const line of fieldLines(fields, colours)) out.line(line);
}
