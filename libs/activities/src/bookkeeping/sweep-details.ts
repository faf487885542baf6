import type { Leaderboard, Sweep } from '@murnau/domain';

const shownTrials = 10;

/** What the Temporal UI shows of a sweep. */
export function sweepDetails(
  sweep: Sweep,
  counts: Readonly<Record<string, number>>,
  leaderboard: Leaderboard,
  galleryUrl: string,
): string {
  const summary = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([phase, count]) => `${count} ${phase}`)
    .join(' · ');
  const rows = leaderboard.runs.slice(0, shownTrials).map((run) => {
    const value = run.metrics[leaderboard.metric];
    const parameters = Object.entries(run.parameters).map(([name, set]) => `${name}=${set}`);
    const place = `[${run.trial ?? '–'}](${galleryUrl}/runs/${run.id})`;
    const shown = value === undefined ? '–' : value.toFixed(4);
    return `| ${place} | ${run.phase} | ${run.certified_step} | ${shown} | ${parameters.join(' ')} |`;
  });
  return [
    `**${sweep.phase}** · ${summary} · [leaderboard](${galleryUrl}/sweeps/${sweep.id})`,
    '',
    `| trial | phase | step | ${leaderboard.metric} | parameters |`,
    '| --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}
