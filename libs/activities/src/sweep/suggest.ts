import { adviceParameters, adviceTrial, adviceValues } from '@murnau/domain';
import type { PastTrial, SweepFile } from '@murnau/domain';
import type { SweepState, TrialHistory } from '@murnau/store';
import type { OrchestratorDeps } from '../deps.js';

/** A stored trial as the advisor learns from it. */
export function toPastTrial(file: SweepFile, past: TrialHistory): PastTrial {
  const { trial, parameters, phase, early_stop, best_value, rungs } = past;
  const about = { trial, values: adviceValues(file, parameters), intermediate: rungs };
  if (phase === 'failed' || phase === 'cancelled') return { ...about, state: 'failed', value: null };
  if (phase !== 'finished') return { ...about, state: 'running', value: null };
  if (best_value === null) return { ...about, state: 'failed', value: null };
  return early_stop === 'rung'
    ? { ...about, state: 'pruned', value: null }
    : { ...about, state: 'finished', value: best_value };
}

/**
 * Asks the advisor for the next trials and plans them. Same seed and same history, same answer.
 * @throws `advisor.unavailable`
 */
export async function suggestTrials(
  { store, advisor }: OrchestratorDeps,
  { id, spec }: SweepState,
  { trial, count }: { trial: number; count: number },
): Promise<void> {
  const upTo = spec.ordered ? trial - spec.max_concurrent_trials : null;
  const history = await store.sweeps.history(id, { upTo });
  const advised = await advisor.suggest({
    parameters: adviceParameters(spec),
    history: history.map((past) => toPastTrial(spec, past)),
    trial,
    count,
    seed: spec.seed,
    goal: spec.metric.goal,
  });
  const ended = history.filter(({ phase }) => phase === 'finished').length;
  const planned = advised.map((values, index) => {
    const { dataset, ...one } = adviceTrial(spec, trial + index, values);
    return { ...one, dataset_id: dataset };
  });
  await store.sweeps.planSuggested(id, planned, `learnt from ${ended} that have finished`);
}
