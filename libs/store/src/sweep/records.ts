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
  device_s: number;
  best_run_id: string | null;
}

const emptySummary: Summary = { counts: {}, device_s: 0, best_run_id: null };

/** Counts by phase and the best trial of many sweeps, in one query that reads no trial but those in the window. */
export async function summarize(db: Kysely<Database>, ids: readonly string[]): Promise<Map<string, Summary>> {
  if (ids.length === 0) return new Map();
  const { rows } = await sql<Summary & { id: string }>`
    select wanted.id, tallied.counts, tallied.device_s + open.device_s as device_s, best.id as best_run_id
    from unnest(${ids}::text[]) as wanted (id)
    cross join lateral (
      select coalesce(json_object_agg(phase, trials) filter (where trials <> 0), '{}') as counts,
             coalesce(sum(device_s), 0) as device_s
      from (
        select phase, sum(trials)::int as trials, sum(device_s) as device_s
        from sweep_tallies where sweep_id = wanted.id group by phase
      ) as phases
    ) as tallied
    cross join lateral (
      select coalesce(sum(device_s), 0) as device_s
      from runs where sweep_id = wanted.id and workflow_started and phase in ('queued', 'running', 'paused')
    ) as open
    left join lateral (
      select id from runs
      where sweep_id = wanted.id and leaderboard_key(metric_goal, best_value) < 'Infinity'
      order by leaderboard_key(metric_goal, best_value), trial limit 1
    ) as best on true`.execute(db);
  return new Map(rows.map(({ id, ...summary }) => [id, summary]));
}

export function toSweep(row: SweepRow, summaries: ReadonlyMap<string, Summary>): Sweep {
  const { id, name, owner, phase, spec, workflow_id, failure, created_at, finished_at } = row;
  const { max_concurrent_trials, priority, stop_reason, gate, notices } = row;
  const { counts, device_s, best_run_id } = summaries.get(id) ?? emptySummary;
  return {
    id,
    name,
    owner,
    phase,
    spec,
    workflow_id,
    trials: Object.values(counts).reduce((sum, trials) => sum + trials, 0),
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
