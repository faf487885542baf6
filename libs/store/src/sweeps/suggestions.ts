import type { AdviceValues, EarlyStop, ForbiddenPoint, RunPhase, SweepFile } from '@murnau/domain';
import { type Kysely, sql, type Transaction } from 'kysely';
import type { Database } from '../database/schema.js';
import { insertDecisions } from './decisions.js';
import { insertTrials, type NewTrial } from './insert-trials.js';
import type { SweepRow } from './sweep-records.js';

/** A trial as the advisor learns from it. */
export interface TrialHistory {
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
export const longestHistory = 1_000;

/** In the order of their numbers; finalists are no part of the search, and failed trials teach it nothing. */
export async function selectHistory(
  db: Kysely<Database>,
  sweep: { id: string; spec: SweepFile },
  { upTo, longest = longestHistory }: { upTo: number | null; longest?: number | undefined },
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
    select trial, parameters, phase, early_stop, best_value,
           coalesce((select json_agg(json_build_object('step', step, 'value', value) order by step)
                     from rung_results where run_id = ranked.id and value is not null), '[]') as rungs
    from ranked
    where age <= ${longest - half} or place <= ${half}
    order by trial`.execute(db);
  return rows;
}

/** Number of the trial that is planned next. */
export async function nextTrial(trx: Transaction<Database>, sweepId: string): Promise<number> {
  const { next } = await trx
    .selectFrom('runs')
    .select(sql<number>`coalesce(max(trial) + 1, 0)`.as('next'))
    .where('sweep_id', '=', sweepId)
    .executeTakeFirstOrThrow();
  return next;
}

/** Plans what was suggested. When others have been planned meanwhile it is let go. */
export async function planSuggested(
  trx: Transaction<Database>,
  sweep: SweepRow,
  trials: readonly NewTrial[],
  why: string,
): Promise<void> {
  if (trials[0]?.trial !== (await nextTrial(trx, sweep.id))) return;
  await insertTrials(trx, sweep, trials);
  await insertDecisions(
    trx,
    sweep.id,
    trials.map(({ trial, parameters }) => ({
      kind: 'suggest',
      trial,
      by: 'sweep',
      why,
      data: { parameters },
    })),
  );
}

/** Kind of the decision that a suggestion breaks a rule. */
const forbiddenKind = 'forbid';

/** The newest suggestions that a rule across fields forbids, oldest first. */
export async function selectForbidden(db: Kysely<Database>, sweepId: string): Promise<ForbiddenPoint[]> {
  const rows = await db
    .selectFrom('sweep_decisions')
    .select(['trial', 'data'])
    .where('sweep_id', '=', sweepId)
    .where('kind', '=', forbiddenKind)
    .orderBy('seq', 'desc')
    .limit(longestHistory)
    .execute();
  return rows
    .reverse()
    .map(({ trial, data }) => ({ trial: trial ?? 0, values: data['parameters'] as AdviceValues }));
}

/** Stores that a suggestion is forbidden. When others have been planned meanwhile it is let go. */
export async function forbidSuggestion(
  trx: Transaction<Database>,
  sweep: SweepRow,
  { trial, values, rule }: ForbiddenPoint & { readonly rule: string },
): Promise<void> {
  if (trial !== (await nextTrial(trx, sweep.id))) return;
  const about = { trial, by: 'sweep', why: rule, data: { parameters: values } };
  await insertDecisions(trx, sweep.id, [{ kind: forbiddenKind, ...about }]);
}
