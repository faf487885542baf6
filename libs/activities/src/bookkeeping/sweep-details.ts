import { parameterText } from '@murnau/contracts';
import { endedPhases, expectedTrials } from '@murnau/domain';
import type { Run, Sweep, SweepDecision } from '@murnau/domain';

/** What the Temporal UI shows of a sweep: how it goes, its best trials, and what was decided last. */
export function sweepDetails(
  sweep: Sweep,
  best: readonly Run[],
  decisions: readonly SweepDecision[],
  galleryUrl: string,
): string {
  const metric = sweep.spec.metric.name;
  const link = ({ trial, id }: Run): string => `[trial ${trial ?? '–'}](${galleryUrl}/runs/${id})`;
  const lines = best.map((run, index) => {
    const value = run.best?.name === metric ? run.best.value : run.metrics[metric];
    const score = value?.toFixed(4) ?? '–';
    const at = `${run.phase} at step ${run.certified_step} of ${run.spec.max_steps}`;
    return `${index + 1}. **${score}** ${link(run)}, ${at}: ${parametersText(sweep, run)}`;
  });
  return [
    `**${sweep.phase}** · ${progress(sweep)} · [leaderboard and pictures](${galleryUrl}/sweeps/${sweep.id})`,
    ...(sweep.stop_reason === null ? [] : ['', `Nothing more is started: ${sweep.stop_reason}.`]),
    ...gateLines(sweep),
    ...(lines.length === 0 ? [] : ['', `Best by ${metric}:`, '', ...lines]),
    ...(decisions.length === 0 ? [] : ['', 'Decided last:', '', ...decisions.map(decisionLine)]),
  ].join('\n');
}

/** `3 of 12 trials ended (1 failed) · 2 running`: an end that is no result is named. */
function progress(sweep: Sweep): string {
  const { counts } = sweep;
  const count = (phase: string): number => counts[phase] ?? 0;
  const ended = endedPhases.reduce((sum, phase) => sum + count(phase), 0);
  const named = (phases: readonly string[]): string[] =>
    phases.filter((phase) => count(phase) > 0).map((phase) => `${count(phase)} ${phase}`);
  const without = named(['failed', 'cancelled']);
  return [
    `${ended} of ${expectedTrials(sweep)} trials ended${without.length === 0 ? '' : ` (${without.join(', ')})`}`,
    ...named(['running', 'waiting', 'paused', 'queued']),
  ].join(' · ');
}

function gateLines({ id, gate }: Sweep): string[] {
  if (gate === null || gate.is_passed) return [];
  const timer = gate.deadline === null ? '' : `; at ${gate.deadline} the best are picked without anybody`;
  return [
    '',
    `**Waits at rung ${gate.rung} for somebody to pick:** \`murnau sweep pick ${id} TRIAL …\`${timer}`,
  ];
}

/** What tells a trial from the others: of the words only those that differ. */
function parametersText({ spec }: Sweep, { parameters }: Run): string {
  const pairs = spec.parameters.pair.values;
  const { finalist_of: origin, seed, placeholder, initializer, ...others } = parameters;
  const differs = (name: 'placeholder' | 'initializer'): boolean =>
    new Set(pairs.map((pair) => pair[name])).size > 1;
  return [
    ...(origin === undefined ? [] : [`trial ${origin} again`]),
    ...(seed === undefined ? [] : [`seed ${seed}`]),
    ...(differs('placeholder') ? [`${placeholder}`] : []),
    ...(differs('initializer') ? [`from “${initializer}”`] : []),
    ...Object.entries(others).map(([name, value]) => parameterText(name, value)),
  ].join(', ');
}

function decisionLine({ at, kind, trial, by, why }: SweepDecision): string {
  const about = trial === null ? '' : ` trial ${trial}`;
  return `- ${at.slice(11, 19)} **${kind.replaceAll('_', ' ')}**${about}${by === 'sweep' ? '' : ` by ${by}`}${why === '' ? '' : `: ${why}`}`;
}
