import {
  type AdviceValues,
  adviceValues,
  type EarlyStop,
  type ForbiddenPoint,
  type PastTrial,
  type RunPhase,
  type SweepFile,
} from '@murnau/domain';
import { type Kysely, sql } from 'kysely';
import { read, type StoreContext } from '../context.js';
import type { Database } from '../database/schema.js';
import { insertDecisions } from '../events/decisions.js';
import { withFreshTrialIds } from './create-sweep.js';
import { decided } from './decided.js';
import { insertTrials, type NewTrial } from './insert-trials.js';
import { nextTrial, selectSweep } from './records.js';

/** A trial of a search as its row has it. */
interface TrialHistory {
  trial: number;
  parameters: Record<string, string | number | boolean>;
  phase: RunPhase;
  early_stop: EarlyStop | null;
  /** Best certified value of the sweep's metric. */
  best_value: number | null;
  /** The metric at each rung reached. */
  rungs: { step: number; value: number }[];
}

/**
 * A longer history is told by half as many of its newest trials, which hold what is open and what the search has come to,
 * and half as many of its best, which hold what it is to come back to.
 */
const longestHistory = 1_000;

/**
 * What its next trials are suggested by, at most a thousand, in the order of their numbers. Finalists are no part of the
 * search, and failed trials teach it nothing.
 * @param query.upTo number of the last trial that counts; null: all
 */
export function searchHistory(
  store: StoreContext,
  id: string,
  { upTo = null, longest = longestHistory }: { upTo?: number | null; longest?: number } = {},
): Promise<PastTrial[]> {
  return read(store, async (db) => {
    const { spec } = await selectSweep(db, id);
    const history = await selectHistory(db, { id, spec }, upTo, longest);
    return history.map((past) => toPastTrial(spec, past));
  });
}

/**
 * At most `most` trials of the search, spread evenly over all numbers that it has planned: what its parameters matter is
 * told by these as well as by all. In the order of their numbers.
 */
export function searchSample(store: StoreContext, id: string, most = longestHistory): Promise<PastTrial[]> {
  return read(store, async (db) => {
    const { spec } = await selectSweep(db, id);
    const { rows } = await sql<TrialHistory>`
      with planned as (select max(trial) + 1 as trials from runs where sweep_id = ${id}),
      wanted as (
        select place * greatest(trials, ${most}::int) / ${most}::int as trial
        from planned, generate_series(0::bigint, ${most}::bigint - 1) as place
      )
      select runs.trial, parameters, phase, early_stop, best_value, ${rungsOfRun(id)}
      from wanted
      cross join lateral (select * from runs where sweep_id = ${id} and trial = wanted.trial limit 1) as runs
      where (parameters ->> 'finalist_of') is null and phase not in ('failed', 'cancelled')
      order by runs.trial`.execute(db);
    return rows.map((past) => toPastTrial(spec, past));
  });
}

/** The values at the rungs that a row of `runs` has reached. */
const rungsOfRun = (sweepId: string) => sql`
  coalesce((select json_agg(json_build_object('step', step, 'value', value) order by step)
            from rung_results where sweep_id = ${sweepId} and run_id = runs.id and value is not null), '[]') as rungs`;

/** A stored trial as the advisor learns from it. */
function toPastTrial(file: SweepFile, past: TrialHistory): PastTrial {
  const { trial, parameters, phase, early_stop, best_value, rungs } = past;
  const about = { trial, values: adviceValues(file, parameters), intermediate: rungs };
  if (phase === 'failed' || phase === 'cancelled') return { ...about, state: 'failed', value: null };
  if (phase !== 'finished') return { ...about, state: 'running', value: null };
  if (best_value === null) return { ...about, state: 'failed', value: null };
  return early_stop === 'rung'
    ? { ...about, state: 'pruned', value: null }
    : { ...about, state: 'finished', value: best_value };
}

async function selectHistory(
  db: Kysely<Database>,
  sweep: { id: string; spec: SweepFile },
  upTo: number | null,
  longest: number,
): Promise<TrialHistory[]> {
  const merit = sweep.spec.metric.goal === 'maximize' ? sql`best_value desc` : sql`best_value asc`;
  const half = Math.floor(longest / 2);
  const { rows } = await sql<TrialHistory>`
    with known as (
      select id, trial, parameters, phase, early_stop, best_value, row_number() over (order by trial desc) as age
      from runs
      where sweep_id = ${sweep.id} and (parameters ->> 'finalist_of') is null
        and phase not in ('failed', 'cancelled')
        and (${upTo}::int is null or trial <= ${upTo}::int)
    ), ranked as (
      select *, row_number() over (partition by age > ${longest - half} order by ${merit} nulls last, trial) as place
      from known
    )
    select trial, parameters, phase, early_stop, best_value, ${rungsOfRun(sweep.id)}
    from ranked as runs
    where age <= ${longest - half} or place <= ${half}
    order by trial`.execute(db);
  return rows;
}

/** Plans suggested trials; nothing when others have been planned meanwhile. */
export async function planSuggested(
  store: StoreContext,
  id: string,
  trials: readonly NewTrial[],
  why: string,
): Promise<void> {
  await withFreshTrialIds(() =>
    decided(store, id, async (trx, sweep) => {
      if (trials[0]?.trial !== (await nextTrial(trx, id))) return;
      await insertTrials(trx, sweep, trials);
      await insertDecisions(
        trx,
        id,
        trials.map(({ trial, parameters }) => ({
          kind: 'suggest',
          trial,
          by: 'sweep',
          why,
          data: { parameters },
        })),
      );
    }),
  );
}

/** Kind of the decision that a suggestion breaks a rule. */
const forbiddenKind = 'forbid';

/** The newest suggestions that a rule across fields forbids, at most a thousand, oldest first. */
export function forbiddenSuggestions(store: StoreContext, id: string): Promise<ForbiddenPoint[]> {
  return read(store, async (db) => {
    const rows = await db
      .selectFrom('sweep_decisions')
      .select(['trial', 'data'])
      .where('sweep_id', '=', id)
      .where('kind', '=', forbiddenKind)
      .orderBy('seq', 'desc')
      .limit(longestHistory)
      .execute();
    return rows
      .reverse()
      .map(({ trial, data }) => ({ trial: trial ?? 0, values: data['parameters'] as AdviceValues }));
  });
}

/** Stores that a suggestion is forbidden, and by which rule; nothing when others have been planned meanwhile. */
export async function forbidSuggestion(
  store: StoreContext,
  id: string,
  { trial, values, rule }: ForbiddenPoint & { readonly rule: string },
): Promise<void> {
  await decided(store, id, async (trx) => {
    if (trial !== (await nextTrial(trx, id))) return;
    const about = { trial, by: 'sweep', why: rule, data: { parameters: values } };
    await insertDecisions(trx, id, [{ kind: forbiddenKind, ...about }]);
  });
}
