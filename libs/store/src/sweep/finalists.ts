import type { Finalist, TrainingSpec } from '@murnau/domain';
import { type Kysely, sql, type Transaction } from 'kysely';
import { read, type StoreContext } from '../context.js';
import type { Database } from '../database/schema.js';
import { insertDecisions } from '../events/decisions.js';
import { withFreshTrialIds } from './create-sweep.js';
import { decided } from './decided.js';
import { insertTrials, type NewTrial } from './insert-trials.js';
import { selectSweep, type SweepRow } from './records.js';

/** Name of the parameter by which a finalist's trial says whose repetition it is. */
const finalistOf = 'finalist_of';
/** Has a number there. As a range, which the planner takes for rare: it uses the index `runs_finalists`. */
const isRepetition = sql<boolean>`(parameters ->> 'finalist_of') between '0' and 'a'`;

/**
 * The best trials again, on each seed, to their last steps.
 * @returns the trials, to be inserted; the sweep is in its last stage then
 */
async function chooseFinalists(
  trx: Transaction<Database>,
  sweep: SweepRow,
  { count, seeds }: { count: number; seeds: readonly number[] },
): Promise<NewTrial[]> {
  if (sweep.stage === 'finalists') return [];
  const direction = sweep.spec.metric.goal === 'maximize' ? sql`desc` : sql`asc`;
  const best = await trx
    .selectFrom('runs')
    .select(['trial', 'spec', 'parameters', 'dataset_id', 'best_value'])
    .where('sweep_id', '=', sweep.id)
    .where('phase', '=', 'finished')
    .where('best_value', 'is not', null)
    // Those that went the whole way before those that were ended on it.
    .orderBy(sql`early_stop is not null`)
    .orderBy(sql`best_value ${direction}`)
    .orderBy('trial')
    .limit(count)
    .execute();
  const { last } = await trx
    .selectFrom('runs')
    .select(sql<number>`coalesce(max(trial), -1)`.as('last'))
    .where('sweep_id', '=', sweep.id)
    .executeTakeFirstOrThrow();
  await trx.updateTable('sweeps').set({ stage: 'finalists' }).where('id', '=', sweep.id).execute();
  await insertDecisions(trx, sweep.id, [
    {
      kind: 'finalists',
      by: 'sweep',
      why: `the best ${best.length} again, on seeds ${seeds.join(', ')}`,
      data: { trials: best.map(({ trial }) => trial), seeds },
    },
  ]);
  return best.flatMap(({ trial, spec, parameters, dataset_id }, place) =>
    seeds.map((seed, index): NewTrial => ({
      trial: last + 1 + place * seeds.length + index,
      parameters: { ...parameters, seed, [finalistOf]: trial ?? 0 },
      dataset_id,
      spec: { ...spec, seed } satisfies TrainingSpec,
      isWhole: true,
    })),
  );
}

/** Plans its best trials again on each seed; once. */
export async function planFinalists(
  store: StoreContext,
  id: string,
  plan: { count: number; seeds: readonly number[] },
): Promise<void> {
  await withFreshTrialIds(() =>
    decided(store, id, async (trx, sweep) =>
      insertTrials(trx, sweep, await chooseFinalists(trx, sweep, plan)),
    ),
  );
}

/** Who was trained again on several seeds, best mean of the sweep's metric first. */
export function finalistsOf(store: StoreContext, id: string): Promise<Finalist[]> {
  return read(store, async (db) => selectFinalists(db, await selectSweep(db, id)));
}

async function selectFinalists(db: Kysely<Database>, sweep: SweepRow): Promise<Finalist[]> {
  const { name, goal } = sweep.spec.metric;
  const rows = await db
    .selectFrom('runs')
    .select(['trial', 'parameters', 'phase', 'metrics'])
    .where('sweep_id', '=', sweep.id)
    .where(isRepetition)
    .orderBy('trial')
    .execute();
  const groups = new Map<number, Finalist>();
  for (const { trial, parameters, phase, metrics } of rows) {
    const origin = Number(parameters[finalistOf]);
    const group = groups.get(origin) ?? { trial: origin, mean: null, repetitions: [] };
    const value = phase === 'finished' ? (metrics[name] ?? null) : null;
    group.repetitions.push({ trial: trial ?? 0, seed: Number(parameters['seed']), value });
    groups.set(origin, group);
  }
  const sign = goal === 'maximize' ? -1 : 1;
  return [...groups.values()]
    .map((group) => ({ ...group, mean: meanOf(group.repetitions) }))
    .sort(
      (a, b) => sign * ((a.mean ?? -sign * Infinity) - (b.mean ?? -sign * Infinity)) || a.trial - b.trial,
    );
}

/** Null until all have a value: a mean of some would flatter. */
function meanOf(repetitions: Finalist['repetitions']): number | null {
  const values = repetitions.flatMap(({ value }) => (value === null ? [] : [value]));
  if (values.length === 0 || values.length < repetitions.length) return null;
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
