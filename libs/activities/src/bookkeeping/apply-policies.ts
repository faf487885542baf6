import type { SweepFacts } from '@murnau/store';
import type { PolicyAction } from '../decisions/decide-policy.js';
import { decidePolicy } from '../decisions/decide-policy.js';
import type { BookkeepingDeps } from './deps.js';

/** Decisions that one step writes down at most; what is left comes with the next, which follows at once. */
const mostActions = 4;

export interface PoliciesApplied {
  /** As they are after what was decided. */
  readonly facts: SweepFacts;
  /** There is more to decide. */
  readonly isUnfinished: boolean;
}

/** Decides by the sweep's policies, writes each decision down, and decides again until nothing changes. */
export async function applyPolicies(deps: BookkeepingDeps, sweepId: string): Promise<PoliciesApplied> {
  const { store } = deps;
  for (let actions = 0; ; actions += 1) {
    const facts = await store.sweeps.facts(sweepId);
    const { sweep, counts } = facts;
    const hasRungs = sweep.spec.early_terminate.type === 'asha' && counts.waiting > 0;
    const action = decidePolicy({
      ...sweep,
      counts,
      rungs: hasRungs ? await store.sweeps.rungs(sweepId) : [],
      now: new Date(),
    });
    if (action.kind === 'none') return { facts, isUnfinished: false };
    if (actions >= mostActions) return { facts, isUnfinished: true };
    await apply(deps, sweepId, action);
  }
}

async function apply({ store }: BookkeepingDeps, id: string, action: PolicyAction): Promise<void> {
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
    case 'open_gate':
      return store.sweeps.openGate(id, action);
    case 'pass_gate':
      return store.sweeps.passGate(id, { trials: action.trials, by: 'sweep', why: action.why });
    case 'plan_finalists':
      return store.sweeps.planFinalists(id, action);
  }
}
