import { adviceParameters, adviceTrial, feasibilityOf, MurnauError, ruleOf } from '@murnau/domain';
import type { AdviceValues, ForbiddenPoint, SweepFile } from '@murnau/domain';
import type { NewTrial, Store, SweepState } from '@murnau/store';
import type { OrchestratorDeps } from '../deps.js';

/** Suggestions for one trial, one after the other, that a rule forbids before a permitted point is drawn instead. */
export const mostForbidden = 20;

/**
 * Asks the advisor for the next trials, and plans those up to the first that a rule across fields forbids. That one is
 * stored: the study learns of it, and is asked again with the next decision. Same seed and same history, same answer.
 * @throws `advisor.unavailable`; `spec.invalid` when nothing but forbidden points was suggested for a trial, nor drawn
 */
export async function suggestTrials(
  { store, advisor }: Pick<OrchestratorDeps, 'advisor'> & { readonly store: Pick<Store, 'sweeps'> },
  { id, spec }: SweepState,
  { trial, count }: { trial: number; count: number },
): Promise<void> {
  const upTo = spec.ordered ? trial - spec.max_concurrent_trials : null;
  const [history, forbidden] = await Promise.all([
    store.sweeps.history(id, { upTo }),
    store.sweeps.forbidden(id),
  ]);
  const advised = await advisor.suggest({
    parameters: adviceParameters(spec),
    history,
    trial,
    count,
    seed: spec.seed,
    goal: spec.metric.goal,
    forbidden,
  });
  const { permitted, refused } = planned(spec, trial, advised);
  if (permitted.length > 0) {
    const ended = history.filter(({ state }) => state === 'finished' || state === 'pruned').length;
    await store.sweeps.planSuggested(id, permitted, `learnt from ${ended} that have finished`);
  }
  if (refused === undefined) return;
  const { point, error } = refused;
  const before = forbidden.filter((one) => one.trial === point.trial).length;
  await store.sweeps.forbidSuggestion(id, { ...point, rule: ruleOf(error) });
  if (before + 1 < mostForbidden) return;
  const drawn = drawnTrial(spec, point.trial);
  if (drawn !== undefined) {
    await store.sweeps.planSuggested(id, [drawn], `drawn, for ${mostForbidden} suggestions were forbidden`);
    return;
  }
  throw new MurnauError(
    'spec.invalid',
    `trial ${point.trial}: ${mostForbidden} suggestions in a row are forbidden, the last: ${ruleOf(error)}`,
    { field: error.field, given: error.given, allowed: error.allowed, cause: error },
  );
}

/** A permitted point of those that random search would draw, each trial another. */
function drawnTrial(spec: SweepFile, trial: number): NewTrial | undefined {
  const { permitted } = feasibilityOf(spec);
  const found = permitted[trial % permitted.length];
  if (found === undefined) return undefined;
  const { dataset, ...one } = found;
  return { ...one, trial, dataset_id: dataset };
}

interface Planned {
  readonly permitted: NewTrial[];
  /** The first suggestion that a rule forbids. */
  readonly refused?: { readonly point: ForbiddenPoint; readonly error: MurnauError };
}

function planned(spec: SweepFile, first: number, advised: readonly AdviceValues[]): Planned {
  const permitted: NewTrial[] = [];
  for (const [index, values] of advised.entries()) {
    const trial = first + index;
    try {
      const { dataset, ...one } = adviceTrial(spec, trial, values);
      permitted.push({ ...one, dataset_id: dataset });
    } catch (error) {
      if (!(error instanceof MurnauError) || error.code !== 'spec.invalid') throw error;
      return { permitted, refused: { point: { trial, values }, error } };
    }
  }
  return { permitted };
}
