import type { TrialStarted } from '@murnau/contracts';
import { searchCap, toMurnauError } from '@murnau/domain';
import type { SweepFacts, SweepState } from '@murnau/store';
import type { PolicyAction } from '../decisions/decide-policy.js';
import { decidePolicy } from '../decisions/decide-policy.js';
import type { BookkeepingDeps } from './deps.js';
import { suggestTrials } from './suggest-trials.js';

/** Decisions that one step writes down at most; what is left comes with the next, which follows at once. */
const mostActions = 4;

export interface PoliciesApplied {
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
export async function applyPolicies(
  deps: BookkeepingDeps,
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

async function apply(deps: BookkeepingDeps, sweep: SweepState, action: PolicyAction): Promise<void> {
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
      return store.sweeps.passGate(id, { trials: action.trials, by: 'sweep', why: action.why });
    case 'plan_finalists':
      return store.sweeps.planFinalists(id, action);
  }
}
