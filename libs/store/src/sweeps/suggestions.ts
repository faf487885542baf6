import type { EarlyStop, RunPhase } from '@murnau/domain';
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

/** In the order of their numbers; finalists are no part of the search. */
export async function selectHistory(
  db: Kysely<Database>,
  sweepId: string,
  upTo: number | null,
): Promise<TrialHistory[]> {
  const { rows } = await sql<TrialHistory>`
    select runs.trial, runs.parameters, runs.phase, runs.early_stop, runs.best_value,
           coalesce((select json_agg(json_build_object('step', step, 'value', value) order by step)
                     from rung_results where run_id = runs.id and value is not null), '[]') as rungs
    from runs
    where sweep_id = ${sweepId} and (parameters ->> 'finalist_of') is null
      and (${upTo}::int is null or trial <= ${upTo}::int)
    order by trial`.execute(db);
  return rows;
}

/** Plans what was suggested. When others have been planned meanwhile it is let go. */
export async function planSuggested(
  trx: Transaction<Database>,
  sweep: SweepRow,
  trials: readonly NewTrial[],
  why: string,
): Promise<void> {
  const { planned } = await trx
    .selectFrom('runs')
    .select(sql<number>`coalesce(max(trial) + 1, 0)`.as('planned'))
    .where('sweep_id', '=', sweep.id)
    .executeTakeFirstOrThrow();
  if (trials[0]?.trial !== planned) return;
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
