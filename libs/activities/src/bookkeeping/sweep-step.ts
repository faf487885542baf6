import type { SweepQuestion, SweepStep, TrialToStart } from '@murnau/contracts';
import { runCard } from '@murnau/contracts';
import { durationSeconds } from '@murnau/domain';
import type { TrialCounts } from '@murnau/domain';
import { reconcileTrials } from '@murnau/orchestration';
import type { SweepFacts } from '@murnau/store';
import { decideSweep } from '../decisions/decide-sweep.js';
import { applyPolicies } from './apply-policies.js';
import type { BookkeepingDeps } from './deps.js';
import type { ShownDetails } from './shown-details.js';

/** How soon to look whether trials have done what they were told. */
const astrayPollMs = 1_000;
/** How soon to ask the advisor again that did not answer. */
const advisorPollMs = 2_000;
/** Nothing is at work: only a message or a timer changes anything. */
const idleMs = 600_000;

/** By phase, for those who look. */
function byPhase(counts: TrialCounts): Record<string, number> {
  const { to_start, open, held, waiting, finished, failed, cancelled } = counts;
  return { queued: to_start, running: open, paused: held, waiting, finished, failed, cancelled };
}

/** Nothing is at work, nor about to be. */
const isIdle = ({ open }: TrialCounts, starts: number): boolean => open === 0 && starts === 0;

/** Trials with what Temporal is to show of them, in their order. */
async function withCards(
  { store, galleryUrl }: BookkeepingDeps,
  trials: SweepFacts['next'],
): Promise<TrialToStart[]> {
  const runs = await store.runs.getMany(trials.map(({ run_id }) => run_id));
  const byId = new Map(runs.map((run) => [run.id, run]));
  return trials.flatMap(({ run_id, workflow_id, workflow_chain }) => {
    const run = byId.get(run_id);
    if (run === undefined) return [];
    const card = runCard(run, galleryUrl);
    return [{ run_id, workflow_id, chain: workflow_chain, priority: run.priority, card }];
  });
}

/** Decides what a sweep does next, and writes down what changes by it. */
export async function sweepStep(
  deps: BookkeepingDeps,
  { sweep_id, reconcile, chain = 0, sweep_run_id, started = [], starting = [] }: SweepQuestion,
  shown: ShownDetails,
): Promise<SweepStep> {
  const { store } = deps;
  // Before the trials are read: one that ends later sees which run of the workflow decides.
  await store.sweeps.markStarted(sweep_id, chain, sweep_run_id);
  await store.runs.markAllStarted(started);
  if (reconcile) await reconcileTrials(deps, sweep_id);
  const { facts, isUnfinished, toPlan, advisorAway } = await applyPolicies(deps, sweep_id, starting);
  const { sweep, counts, next, astray } = facts;
  const { action, starts } = decideSweep({ ...sweep, counts });
  const start = await withCards(deps, next.slice(0, starts));
  const wait = waitOf(facts, starts);
  // One that comes to wait for a person, or has ended, may not decide again: what it shows must be of now.
  const isWaiting = isAtGate(facts, starts);
  const news = await shown.refresh(deps, sweep_id, {
    state: [
      ...[sweep.phase, action, sweep.stop_reason, advisorAway, wait.waits_for, sweep_run_id],
      ...(isIdle(counts, starts) ? ['idle'] : []),
    ].join(),
    head: advisorAway === undefined ? '' : `**Waits for the advisor:** ${advisorAway}\n\n`,
    isWaiting,
  });
  return {
    action: action === 'finish' && (isUnfinished || toPlan > 0) ? 'run' : action,
    start,
    counts: byPhase(counts),
    phase: sweep.phase,
    ...news,
    astray,
    more: isUnfinished || (starts > 0 && starts >= next.length && counts.to_start > starts),
    ...wait,
    ...(advisorAway === undefined ? {} : { wake_ms: advisorPollMs, waits_for: 'the advisor answers' }),
  };
}

/** Nothing goes on but a person's choice of winners, or the timer that makes it. */
const isAtGate = ({ sweep: { gate, phase }, counts, astray }: SweepFacts, starts: number): boolean =>
  phase === 'running' && astray.length === 0 && isIdle(counts, starts) && gate !== null && !gate.is_passed;

/** What a sweep waits for, and how long at most. */
function waitOf(facts: SweepFacts, starts: number): Pick<SweepStep, 'wake_ms' | 'waits_for'> {
  const { sweep, counts, astray } = facts;
  const { gate, spec, phase, age_s } = sweep;
  if (astray.length > 0) return { wake_ms: astrayPollMs };
  if (phase === 'paused') return { wake_ms: idleMs, waits_for: 'somebody resumes it' };
  if (gate !== null && isAtGate(facts, starts)) {
    const left = gate.deadline === null ? idleMs : Date.parse(gate.deadline) - Date.now();
    const wake_ms = Math.min(Math.max(left, 0) + 1, idleMs);
    return { wake_ms, waits_for: `a person picks the winners at rung ${gate.rung}` };
  }
  const wall_s = durationSeconds(spec.budget?.wall_time ?? '') ?? Infinity;
  const wallMs = Math.max(0, wall_s - age_s) * 1_000 + 1;
  if (sweep.stop_reason === null && wallMs < (isIdle(counts, starts) ? idleMs : 20_000)) {
    return { wake_ms: wallMs, waits_for: 'a trial ends, or the budget is used up' };
  }
  return isIdle(counts, starts) ? { wake_ms: idleMs } : {};
}
