import { plain, runCard } from '@murnau/contracts';
import type { DecideSweepInput, SweepStep, TrialStarted, TrialToStart } from '@murnau/contracts';
import { durationSeconds, searchCap, toMurnauError } from '@murnau/domain';
import type { TrialCounts } from '@murnau/domain';
import type { SweepFacts, SweepState } from '@murnau/store';
import type { OrchestratorDeps } from '../deps.js';
import { decidePolicy, decideStarts } from './policy.js';
import type { PolicyAction } from './policy.js';
import type { SweepViews } from './show.js';
import { suggestTrials } from './suggest.js';

/** How soon to look whether trials have done what they were told. */
const unresponsivePollMs = 1_000;
/** How soon to ask the advisor again that did not answer. */
const advisorPollMs = 2_000;
/** Trials are at work: their ends are signalled, and a signal may be lost. */
const busyMs = 20_000;
/** Nothing is at work: only a message or a timer changes anything. */
const idleMs = 600_000;

/** Decides what a sweep does next, and writes down what changes by it. */
export async function decideSweep(
  deps: OrchestratorDeps,
  { sweep_id, chain, sweep_run_id, started, starting }: DecideSweepInput,
  views: SweepViews,
): Promise<SweepStep> {
  const { store } = deps;
  // Before the trials are read: one that ends later sees which run of the workflow decides.
  await store.sweeps.markStarted(sweep_id, chain, sweep_run_id);
  await store.runs.markAllStarted(started);
  const { facts, isUnfinished, toPlan, advisorAway } = await applyPolicies(deps, sweep_id, starting);
  const { sweep, counts, next, unresponsive_trials } = facts;
  const { action, starts } = decideStarts({ ...sweep, counts });
  const start = await withCards(deps, next.slice(0, starts));
  const wait = waitOf(facts, starts);
  // One that comes to wait for a person, or has ended, may not decide again: what it shows must be of now.
  const isWaiting = isAtGate(facts, starts);
  const view = await views.refresh(deps, sweep_id, {
    state: [
      ...[sweep.phase, action, sweep.stop_reason, advisorAway, wait.waits_for, sweep_run_id],
      ...(isIdle(counts, starts) ? ['idle'] : []),
    ].join(),
    head: advisorAway === undefined ? '' : `**Waits for the advisor:** ${plain(advisorAway)}\n\n`,
    isWaiting,
  });
  return {
    action: action === 'finish' && (isUnfinished || toPlan > 0) ? 'run' : action,
    start,
    counts: byPhase(counts),
    phase: sweep.phase,
    ...(view !== undefined && { view }),
    unresponsive_trials,
    more: isUnfinished || (starts > 0 && starts >= next.length && counts.to_start > starts),
    ...(advisorAway === undefined ? wait : { wake_ms: advisorPollMs, waits_for: 'the advisor answers' }),
  };
}

/** Nothing goes on but a person's choice of winners, or the timer that makes it. */
const isAtGate = (
  { sweep: { gate, phase }, counts, unresponsive_trials }: SweepFacts,
  starts: number,
): boolean =>
  phase === 'running' &&
  unresponsive_trials.length === 0 &&
  isIdle(counts, starts) &&
  gate !== null &&
  !gate.is_passed;

/** What a sweep waits for, and how long at most. */
function waitOf(facts: SweepFacts, starts: number): Pick<SweepStep, 'wake_ms' | 'waits_for'> {
  const { sweep, counts, unresponsive_trials } = facts;
  const { gate, spec, phase, age_s } = sweep;
  if (unresponsive_trials.length > 0) {
    return { wake_ms: unresponsivePollMs, waits_for: 'trials have done what was asked of them' };
  }
  if (phase === 'paused') return { wake_ms: idleMs, waits_for: 'a person resumes it' };
  if (gate !== null && isAtGate(facts, starts)) {
    const left = gate.deadline === null ? idleMs : Date.parse(gate.deadline) - Date.now();
    const wake_ms = Math.min(Math.max(left, 0) + 1, idleMs);
    return { wake_ms, waits_for: `a person picks the winners at rung ${gate.rung}` };
  }
  const longest = isIdle(counts, starts) ? idleMs : busyMs;
  const wall_s = durationSeconds(spec.budget?.wall_time ?? '') ?? Infinity;
  const wallMs = Math.max(0, wall_s - age_s) * 1_000 + 1;
  if (sweep.stop_reason === null && wallMs < longest) {
    return { wake_ms: wallMs, waits_for: 'a trial ends, or the budget is used up' };
  }
  return { wake_ms: longest, waits_for: 'a trial ends, or the store is read again' };
}

/** Decisions that one step writes down at most; what is left comes with the next, which follows at once. */
const mostActions = 4;

interface PoliciesApplied {
  /** As they are after what was decided. */
  readonly facts: SweepFacts;
  /** There is more to decide. */
  readonly isUnfinished: boolean;
  /** Trials that are still to be suggested. */
  readonly toPlan: number;
  /** Why the advisor could not be asked; undefined: it was not needed, or answered. */
  readonly advisorAway?: string;
}

function planOf({ sweep, counts, first_open }: SweepFacts) {
  const { spec, stage, stop_reason } = sweep;
  const { resumed: _, ...phases } = counts;
  const planned = Object.values(phases).reduce((sum, count) => sum + count, 0);
  const isSearching = spec.method === 'tpe' && stage === 'search' && stop_reason === null;
  return {
    planned,
    to_plan: isSearching ? Math.max(0, searchCap(spec) - planned) : 0,
    is_next_ready: first_open === null || first_open > planned - spec.max_concurrent_trials,
  };
}

/** Decides by the sweep's policies, writes each decision down, and decides again until nothing changes. */
async function applyPolicies(
  deps: OrchestratorDeps,
  sweepId: string,
  starting: readonly TrialStarted[],
): Promise<PoliciesApplied> {
  const { store } = deps;
  for (let actions = 0; ; actions += 1) {
    const facts = await store.sweeps.facts(sweepId, { starting });
    const { sweep, counts } = facts;
    const plan = planOf(facts);
    const hasRungs = sweep.spec.early_terminate.type === 'asha' && counts.waiting > 0;
    const action = decidePolicy({
      ...sweep,
      ...plan,
      counts,
      rungs: hasRungs ? await store.sweeps.rungs(sweepId) : [],
      now: new Date(),
    });
    const applied = { facts, toPlan: plan.to_plan };
    if (action.kind === 'none') return { ...applied, isUnfinished: false };
    if (actions >= mostActions) return { ...applied, isUnfinished: true };
    try {
      await apply(deps, sweep, action);
    } catch (error) {
      const { code, message } = toMurnauError(error);
      // The search waits for it; what runs goes on.
      if (code !== 'advisor.unavailable') throw error;
      return { ...applied, isUnfinished: false, advisorAway: message };
    }
  }
}

async function apply(deps: OrchestratorDeps, sweep: SweepState, action: PolicyAction): Promise<void> {
  const { store } = deps;
  const { id } = sweep;
  switch (action.kind) {
    case 'none':
      return;
    case 'stop':
      return store.sweeps.stopStarting(id, action.reason);
    case 'promote':
      return store.sweeps.promote(id, action.promotions);
    case 'end_idle': {
      const { early_stop, why } = action;
      const kind = early_stop === 'rung' ? 'prune' : 'finish_early';
      await store.sweeps.endIdle(id, { early_stop, kind, why, queuedToo: early_stop === 'stopped' });
      return;
    }
    case 'suggest':
      return suggestTrials(deps, sweep, action);
    case 'open_gate':
      return store.sweeps.openGate(id, action);
    case 'pass_gate':
      return store.sweeps.passGateByTimer(id, action);
    case 'plan_finalists':
      return store.sweeps.planFinalists(id, action);
  }
}

/** Nothing is at work, nor about to be. */
const isIdle = ({ open }: TrialCounts, starts: number): boolean => open === 0 && starts === 0;

/** By phase, for those who look. */
function byPhase(counts: TrialCounts): Record<string, number> {
  const { to_start, open, held, waiting, finished, failed, cancelled } = counts;
  return { queued: to_start, running: open, paused: held, waiting, finished, failed, cancelled };
}

/** Trials with what Temporal is to show of them, in their order. */
async function withCards(
  { store, galleryUrl }: OrchestratorDeps,
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
