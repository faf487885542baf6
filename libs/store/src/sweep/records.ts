import { MurnauError, type Sweep } from '@murnau/domain';
import { type Kysely, type Selectable, sql, type Transaction } from 'kysely';
import type { Database } from '../database/schema.js';
import type { SweepsTable } from '../database/sweep-tables.js';

export type SweepRow = Selectable<SweepsTable>;

export async function selectSweep(db: Kysely<Database>, id: string): Promise<SweepRow> {
  const row = await db.selectFrom('sweeps').selectAll().where('id', '=', id).executeTakeFirst();
  if (row === undefined) throw unknownSweep(id);
  return row;
}

/** Every decision and edit begins here: one at a time for each sweep. */
export async function lockSweep(trx: Transaction<Database>, id: string): Promise<SweepRow> {
  const row = await trx
    .selectFrom('sweeps')
    .selectAll()
    .where('id', '=', id)
    .forNoKeyUpdate()
    .executeTakeFirst();
  if (row === undefined) throw unknownSweep(id);
  return row;
}

export const unknownSweep = (id: string): MurnauError =>
  new MurnauError('sweep.not_found', `There is no sweep ${id}.`, { given: id });

interface Summary {
  counts: Record<string, number>;
  trials: number;
  device_s: number;
  best_run_id: string | null;
}

const emptySummary: Summary = { counts: {}, trials: 0, device_s: 0, best_run_id: null };

/** Counts by phase and the best trial of many sweeps, in one query. */
export async function summarize(db: Kysely<Database>, ids: readonly string[]): Promise<Map<string, Summary>> {
  if (ids.length === 0) return new Map();
  const { rows } = await sql<{
    sweep_id: string;
    phase: string;
    trials: number;
    device_s: number;
    best_run_id: string | null;
    merit: number | null;
  }>`
    select sweep_id, phase, count(*) as trials, sum(device_s) as device_s, max(merit) as merit,
           (array_agg(id order by merit desc nulls last, trial) filter (where merit is not null))[1] as best_run_id
    from (
      select sweep_id, phase, id, trial, device_s,
             case metric_goal when 'maximize' then best_value else -best_value end as merit
      from runs where sweep_id = any(${ids}::text[])
    ) as trials
    group by sweep_id, phase`.execute(db);
  const summaries = new Map<string, Summary & { merit: number }>();
  for (const { sweep_id, phase, trials, device_s, best_run_id, merit } of rows) {
    const summary = summaries.get(sweep_id) ?? { ...emptySummary, counts: {}, merit: -Infinity };
    summary.counts[phase] = trials;
    summary.trials += trials;
    summary.device_s += device_s;
    if (merit !== null && merit > summary.merit) Object.assign(summary, { merit, best_run_id });
    summaries.set(sweep_id, summary);
  }
  return summaries;
}

export function toSweep(row: SweepRow, summaries: ReadonlyMap<string, Summary>): Sweep {
  const { id, name, owner, phase, spec, workflow_id, failure, created_at, finished_at } = row;
  const { max_concurrent_trials, priority, stop_reason, gate, notices } = row;
  const { counts, trials, device_s, best_run_id } = summaries.get(id) ?? emptySummary;
  return {
    id,
    name,
    owner,
    phase,
    spec,
    workflow_id,
    trials,
    counts,
    best_run_id,
    max_concurrent_trials,
    priority,
    stop_reason,
    gate,
    notices,
    device_s,
    failure,
    created_at: created_at.toISOString(),
    finished_at: finished_at?.toISOString() ?? null,
  };
}

export function notPossible(sweep: SweepRow, why: string): MurnauError {
  return new MurnauError('edit.not_possible', `Sweep ${sweep.id} ${why}.`, { given: sweep.phase });
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
