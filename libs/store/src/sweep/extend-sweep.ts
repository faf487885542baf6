import { expandTrials, MurnauError, type Pair, type SweepFile } from '@murnau/domain';
import type { Transaction } from 'kysely';
import type { Database } from '../database/schema.js';
import { reopenRuns } from '../training-run/starts.js';
import type { NewTrial } from './insert-trials.js';
import { nextTrial, notPossible, type SweepRow } from './records.js';

/** What an extension changes: the file as it is from now on, and trials to be inserted. */
export interface Extension {
  spec: SweepFile;
  trials: NewTrial[];
}

/** What a decision says of its trials: the first of them, and how many there are. */
export interface ListedTrials {
  trials: (number | null)[];
  trial_count: number;
}

/** Ten thousand numbers are no record that anybody reads. */
const mostListed = 100;

export const listedTrials = (trials: readonly { readonly trial: number | null }[]): ListedTrials => ({
  trials: trials.slice(0, mostListed).map(({ trial }) => trial),
  trial_count: trials.length,
});

/** More trials of the same search: those that a greater `run_cap` would have had. */
export async function moreTrials(
  trx: Transaction<Database>,
  sweep: SweepRow,
  count: number,
): Promise<Extension> {
  const { spec } = sweep;
  if (sweep.stage === 'finalists') throw notPossible(sweep, 'has chosen its finalists already');
  const first = await nextTrial(trx, sweep.id);
  const run_cap = (spec.run_cap ?? first) + count;
  const wider: SweepFile = { ...spec, run_cap };
  if (spec.budget?.trials !== undefined) {
    wider.budget = { ...spec.budget, trials: Math.max(spec.budget.trials, first + count) };
  }
  const planned = expandTrials({ ...wider, run_cap: first + count }).slice(first);
  if (planned.length === 0 && spec.method !== 'tpe')
    throw notPossible(sweep, 'has no more points: its grid is whole');
  return { spec: wider, trials: planned.map(toNewTrial) };
}

/** More steps for the trials that came to their last one. The schedule of learning rates stays as it was. */
export async function moreSteps(
  trx: Transaction<Database>,
  sweep: SweepRow,
  steps: number,
): Promise<ListedTrials> {
  const runs = await trx
    .selectFrom('runs')
    .select(['id', 'trial', 'spec'])
    .where('sweep_id', '=', sweep.id)
    .where('phase', '=', 'finished')
    .where('early_stop', 'is', null)
    .orderBy('trial')
    .forNoKeyUpdate()
    .execute();
  if (runs.length === 0) throw notPossible(sweep, 'has no trial that came to its last step');
  await reopenRuns(
    trx,
    runs.map(({ id, spec }) => ({
      id,
      spec: {
        ...spec,
        max_steps: spec.max_steps + steps,
        // What decides the arithmetic of the steps that are done must not change.
        schedule_steps: spec.schedule_steps ?? spec.max_steps,
      },
    })),
  );
  return listedTrials(runs);
}

/** A pair more: as many trials of it as the others have had on average, a whole grid of it for a grid. */
export async function onePairMore(
  trx: Transaction<Database>,
  sweep: SweepRow,
  pair: Pair,
): Promise<Extension> {
  const { spec } = sweep;
  const { values } = spec.parameters.pair;
  const isThere = values.some(
    ({ placeholder, initializer }) => placeholder === pair.placeholder && initializer === pair.initializer,
  );
  if (isThere) throw notPossible(sweep, `has the pair ${pair.placeholder} from ${pair.initializer} already`);
  refuseOtherDataset(sweep, pair);
  if (sweep.stage === 'finalists') throw notPossible(sweep, 'has chosen its finalists already');
  const first = await nextTrial(trx, sweep.id);
  const alone: SweepFile = { ...spec, parameters: { ...spec.parameters, pair: { values: [pair] } } };
  const share = Math.max(1, Math.round(first / values.length));
  // A random trial is drawn from its number: so these are drawn as those of their numbers.
  const planned =
    spec.method === 'grid'
      ? expandTrials({ ...alone, run_cap: undefined }).map((trial, index) => ({
          ...trial,
          trial: first + index,
        }))
      : expandTrials({ ...alone, run_cap: first + share }).slice(first);
  const run_cap = spec.run_cap === undefined ? undefined : spec.run_cap + (planned.length || share);
  const parameters = { ...spec.parameters, pair: { values: [...values, pair] } };
  return {
    spec: { ...spec, parameters, ...(run_cap === undefined ? {} : { run_cap }) },
    trials: planned.map(toNewTrial),
  };
}

/** One word learns from one dataset, as in the file: else its trials could not be compared. */
function refuseOtherDataset(sweep: SweepRow, pair: Pair): void {
  const { parameters, dataset } = sweep.spec;
  const dataOf = (one: Pair): string | undefined => one.dataset ?? dataset;
  const other = parameters.pair.values.find(
    (one) => one.placeholder === pair.placeholder && dataOf(one) !== dataOf(pair),
  );
  if (other === undefined) return;
  throw new MurnauError(
    'edit.not_possible',
    `${pair.placeholder} learns from dataset ${dataOf(other)} in this sweep, and cannot from ${dataOf(pair)} too. ` +
      'Take another placeholder, or the same dataset.',
    { field: 'dataset', given: dataOf(pair) ?? 'none', allowed: dataOf(other) ?? 'none' },
  );
}

const toNewTrial = ({ dataset, ...trial }: ReturnType<typeof expandTrials>[number]): NewTrial => ({
  ...trial,
  dataset_id: dataset,
});
