import { parameterText, plain, roundedMetric } from '@murnau/contracts';
import type { SweepRow, SweepView } from '@murnau/contracts';
import { endedPhases, expectedTrials } from '@murnau/domain';
import type { Run, Sweep, SweepDecision } from '@murnau/domain';
import type { OrchestratorDeps } from '../deps.js';

const shownTrials = 5;
const shownDecisions = 5;
/** How old may be what the Temporal UI shows of a sweep. Making it reads all trials. */
const freshForMs = 5_000;
/** Sweeps to remember; forgetting one costs no more than showing it anew. */
const mostSweeps = 1_000;

/** @param isWaiting for a person to pick its winners */
async function sweepView(
  { store, galleryUrl }: OrchestratorDeps,
  sweepId: string,
  { isWaiting = false }: { isWaiting?: boolean } = {},
): Promise<SweepView> {
  const [sweep, best, decisions] = await Promise.all([
    store.sweeps.get(sweepId),
    store.sweeps.best(sweepId, shownTrials),
    store.sweeps.decisions(sweepId, { limit: shownDecisions }),
  ]);
  return {
    details: sweepDetails(sweep, best, decisions.items, galleryUrl),
    row: sweepRow(isWaiting ? 'waiting' : sweep.phase, best[0]),
  };
}

/** Undefined: it could not be made. An end must not depend on how it is shown. */
export function sweepViewIfPossible(deps: OrchestratorDeps, sweepId: string): Promise<SweepView | undefined> {
  return sweepView(deps, sweepId).catch(() => undefined);
}

/** Knows when each sweep was shown last, and in which state: a change of phase, and what it waits for, show at once. */
export class SweepViews {
  private readonly shown = new Map<string, { readonly atMs: number; readonly state: string }>();

  /** Undefined: what was shown last is new enough. */
  async refresh(
    deps: OrchestratorDeps,
    sweepId: string,
    { state, head = '', isWaiting }: { state: string; head?: string | undefined; isWaiting: boolean },
  ): Promise<SweepView | undefined> {
    const last = this.shown.get(sweepId);
    const isFresh = last?.state === state && Date.now() - last.atMs < freshForMs;
    if (isFresh) return undefined;
    if (this.shown.size >= mostSweeps) this.shown.clear();
    const { details, row } = await sweepView(deps, sweepId, { isWaiting });
    this.shown.set(sweepId, { atMs: Date.now(), state });
    return { details: `${head}${details}`, row };
  }
}

/** @param best absent: none has a score */
function sweepRow(phase: SweepRow['MurnauPhase'], best: Run | undefined): SweepRow {
  return {
    MurnauPhase: phase,
    MurnauStep: best?.certified_step ?? null,
    MurnauEvalLoss: roundedMetric(best?.metrics['eval_loss']),
    MurnauImageAlignment: roundedMetric(best?.metrics['image_alignment']),
  };
}

/** What the Temporal UI shows of a sweep: how it goes, its best trials, and what was decided last. */
function sweepDetails(
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
    ...(sweep.stop_reason === null ? [] : ['', `Nothing more is started: ${plain(sweep.stop_reason)}.`]),
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
    ...(differs('placeholder') ? [plain(`${placeholder}`)] : []),
    ...(differs('initializer') ? [`from “${plain(`${initializer}`)}”`] : []),
    ...Object.entries(others).map(([name, value]) => parameterText(name, value)),
  ].join(', ');
}

function decisionLine({ at, kind, trial, by, why }: SweepDecision): string {
  const about = trial === null ? '' : ` trial ${trial}`;
  return `- ${at.slice(11, 19)} **${kind.replaceAll('_', ' ')}**${about}${by === 'sweep' ? '' : ` by ${plain(by)}`}${why === '' ? '' : `: ${plain(why)}`}`;
}
