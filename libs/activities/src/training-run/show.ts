import type { RunView } from '@murnau/contracts';
import { factLine, plain, roundedMetric } from '@murnau/contracts';
import { aloneText, isOpen, judgedLines } from '@murnau/domain';
import type { Run } from '@murnau/domain';

const shownMetrics = [
  'train_loss',
  'eval_loss',
  'eval_gain',
  'image_alignment',
  'baseline_image_alignment',
  'fuse_image_alignment',
  'text_alignment',
] as const;

const shown = (value: number): string =>
  value === 0 || Math.abs(value) >= 0.001 ? value.toFixed(4) : value.toExponential(2);

/** What the Temporal UI shows of a run between its segments. An end must not depend on how it is shown. */
export function runView(run: Run, galleryUrl: string): RunView {
  try {
    return wholeView(run, galleryUrl);
  } catch {
    const { phase, certified_step } = run;
    return { phase, step: certified_step, eval_loss: null, image_alignment: null, details: `**${phase}**` };
  }
}

function wholeView(run: Run, galleryUrl: string): RunView {
  const { metrics, spec, failure } = run;
  const restarts = Object.entries(run.restarts).map(([cause, count]) => `${cause} ${count}`);
  const judged = judgedLines(run);
  const alone = isOpen(run.phase) ? aloneText(run) : undefined;
  const rows = shownMetrics.flatMap((name) => {
    const value = metrics[name];
    return value === undefined ? [] : [factLine(name, shown(value))];
  });
  return {
    phase: run.phase,
    step: run.certified_step,
    eval_loss: roundedMetric(metrics['eval_loss']),
    image_alignment: roundedMetric(metrics['image_alignment']),
    details: [
      `**${run.phase}** at step ${run.certified_step} of ${spec.max_steps} · [pictures and curves](${galleryUrl}/runs/${run.id})`,
      ...(failure === null
        ? []
        : ['', `**${plain(failure.code)}**: ${plain(failure.message)} ${plain(failure.next_step)}`]),
      ...(judged.length === 0 ? [] : ['', ...judged.map((line) => `- ${plain(line)}`)]),
      ...(rows.length === 0 ? [] : ['', 'Newest values:', '', ...rows]),
      ...(restarts.length === 0 ? [] : ['', `Taken up again: ${restarts.join(', ')}.`]),
      ...(alone === undefined ? [] : ['', `It ${alone}.`]),
    ].join('\n'),
  };
}
