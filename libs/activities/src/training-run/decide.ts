import type { RunAction, RunStep, SegmentOrder } from '@murnau/contracts';
import { goesAlone, isEnded } from '@murnau/domain';
import type { Run, RunPhase, RunWish, SweepPhase } from '@murnau/domain';
import type { OrchestratorDeps } from '../deps.js';
import { runView } from './show.js';

/** The worker applies the rule and says so at the step where it holds; a run that was taken further has gone past it. */
async function hasSettledLoss({ store }: OrchestratorDeps, run: Run): Promise<boolean> {
  const { id, spec, metrics, certified_step } = run;
  if (!spec.stop_when.plateau || metrics['plateau'] === undefined) return false;
  const { items } = await store.runs.metrics(id, { names: ['plateau'], after_step: certified_step - 1 });
  return items.length > 0;
}

/** Decides what a run does next, from certified facts alone, and stores that its workflow is at work. */
export async function decideRun(
  deps: OrchestratorDeps,
  { run_id: runId, chain }: { run_id: string; chain: number },
): Promise<RunStep> {
  const { store, galleryUrl } = deps;
  const { run, details } = await store.runs.getWithDetails(runId);
  // The call implies that the workflow was started, even if its start was never stored.
  if (!details.workflow_started && chain >= details.workflow_chain)
    await store.runs.markStarted(run.id, chain);
  const sweep = run.sweep_id === null ? null : await store.sweeps.brief(run.sweep_id);
  const decision = decideAction({
    phase: run.phase,
    certified_step: run.certified_step,
    target_step: run.target_step,
    max_steps: run.spec.max_steps,
    wish: run.wish,
    wish_by: details.wish_by,
    sweep_phase: sweep?.phase ?? null,
    is_plateau: await hasSettledLoss(deps, run),
  });
  if (decision.kind === 'train' && run.phase === 'paused') await store.runs.setPhase(run.id, 'queued');
  return {
    facts: {
      run_id: run.id,
      model: run.spec.model,
      owner: run.owner,
      priority: run.priority,
      sweep_workflow_id: sweep?.workflow_id ?? null,
      segment_max_s: run.spec.segment_max_s,
    },
    action:
      decision.kind === 'train'
        ? { ...decision, order: nextOrder(details.claim, chain), alone: goesAlone(run.worker_deaths) }
        : decision,
    view: runView(run, galleryUrl),
  };
}

/** A workflow that was reset in Temporal counts its segments anew: the store knows how far claims have come. */
export function nextOrder(claimed: SegmentOrder, chain: number): SegmentOrder {
  if (claimed.chain < chain) return { chain, segment: 1 };
  return { chain: claimed.chain, segment: claimed.segment + 1 };
}

/** What a run does next; where a segment stands among the others, and whether it goes alone, is added where it is known. */
type RunDecision =
  Exclude<RunAction, { kind: 'train' }> | Omit<Extract<RunAction, { kind: 'train' }>, 'order' | 'alone'>;

interface RunState {
  readonly phase: RunPhase;
  /** Newest step that a stored checkpoint certifies; 0: none. */
  readonly certified_step: number;
  /** Up to where it may train now. */
  readonly target_step: number;
  readonly max_steps: number;
  readonly wish: RunWish | null;
  readonly wish_by: string | null;
  /** Whether the worker found at the certified step that its loss had come to rest, and that is to end it. */
  readonly is_plateau?: boolean;
  /** Null: not a trial. */
  readonly sweep_phase: SweepPhase | null;
}

/** What a run does next, from certified facts alone. */
export function decideAction(state: RunState): RunDecision {
  const { phase, certified_step, max_steps, wish, sweep_phase } = state;
  const by = state.wish_by ?? 'somebody';
  if (isEnded(phase)) return { kind: 'ended', phase };
  if (sweep_phase === 'cancelled' || sweep_phase === 'failed') return { kind: 'cancel', by: 'its sweep' };
  if (wish === 'drop') return { kind: 'cancel', by };
  if (certified_step >= max_steps) return { kind: 'finish', early_stop: null };
  if (wish === 'stop')
    return certified_step > 0 ? { kind: 'finish', early_stop: 'stopped' } : { kind: 'cancel', by };
  if (state.is_plateau === true) return { kind: 'finish', early_stop: 'plateau' };
  if (certified_step >= state.target_step) return { kind: 'wait' };
  if (wish === 'pause') return { kind: 'pause', by };
  if (sweep_phase === 'paused') return { kind: 'pause', by: 'its sweep' };
  const until_step = Math.min(state.target_step, max_steps);
  return { kind: 'train', from_step: certified_step, until_step };
}
