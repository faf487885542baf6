import type { Run, Sweep, SweepDecision } from '@murnau/domain';

/** What the Temporal UI shows of a sweep: how it goes, its best trials, and what was decided last. */
export function sweepDetails(
  sweep: Sweep,
  best: readonly Run[],
  decisions: readonly SweepDecision[],
  galleryUrl: string,
): string {
  const { metric } = sweep.spec;
  const summary = Object.entries(sweep.counts)
    .filter(([, count]) => count > 0)
    .map(([phase, count]) => `${count} ${phase}`)
    .join(' · ');
  const rows = best.map((run) => {
    const value = run.metrics[metric.name];
    const parameters = Object.entries(run.parameters).map(([name, set]) => `${name}=${set}`);
    const place = `[${run.trial ?? '–'}](${galleryUrl}/runs/${run.id})`;
    const shown = value === undefined ? '–' : value.toFixed(4);
    return `| ${place} | ${run.phase} | ${run.certified_step} | ${shown} | ${parameters.join(' ')} |`;
  });
  return [
    `**${sweep.phase}** · ${summary} · [leaderboard](${galleryUrl}/sweeps/${sweep.id})`,
    ...(sweep.stop_reason === null ? [] : ['', `Nothing more is started: ${sweep.stop_reason}.`]),
    '',
    `| trial | phase | step | ${metric.name} | parameters |`,
    '| --- | --- | --- | --- | --- |',
    ...rows,
    ...(decisions.length === 0 ? [] : ['', ...decisions.map(decisionLine)]),
  ].join('\n');
}

function decisionLine({ at, kind, trial, by, why }: SweepDecision): string {
  const about = trial === null ? '' : ` trial ${trial}`;
  return `- ${at.slice(11, 19)} **${kind}**${about}${by === 'sweep' ? '' : ` by ${by}`}${why === '' ? '' : `: ${why}`}`;
}
