import type { TrialCounts } from '@murnau/domain';
import { type Kysely, sql } from 'kysely';
import type { Database } from '../database/schema.js';
import type { TrialState } from '../database/sweep-tables.js';
import { startedTable, type StartedRun } from '../training-run/starts.js';

/** Changes that may pile up before they are folded into one row for each state and phase. */
const mostChanges = 200;

const none: Record<TrialState, number> = {
  to_start: 0,
  resumed: 0,
  open: 0,
  held: 0,
  waiting: 0,
  finished: 0,
  failed: 0,
  cancelled: 0,
};

/**
 * What it costs to read does not grow with the number of trials.
 * @param starting starts that are under way: their trials are counted as open, which the store does not know yet
 */
export async function selectCounts(
  db: Kysely<Database>,
  id: string,
  starting: readonly StartedRun[] = [],
): Promise<TrialCounts & { device_s: number }> {
  const { rows } = await sql<{ state: TrialState; trials: number; device_s: number; changes: number }>`
    with starting as (
      select trial_state(phase, workflow_started, wish, certified_step) as state
      from runs join ${startedTable(starting)} on runs.id = started.id and runs.workflow_chain = started.chain
      where sweep_id = ${id} and phase = 'queued' and not workflow_started
    )
    select state, sum(trials) as trials, sum(device_s) as device_s, count(*) as changes
    from sweep_tallies where sweep_id = ${id} group by state
    union all
    select 'open', 0, coalesce(sum(device_s), 0), 0
    from runs where sweep_id = ${id} and workflow_started and phase in ('queued', 'running', 'paused')
    union all
    select state, -count(*), 0, 0 from starting group by state
    union all
    select 'open', count(*), 0, 0 from starting`.execute(db);
  const counts = { ...none };
  for (const { state, trials } of rows) counts[state] += trials;
  if (rows.reduce((sum, { changes }) => sum + changes, 0) > mostChanges) await foldTallies(db, id);
  return {
    ...counts,
    to_start: counts.to_start + counts.resumed,
    device_s: rows.reduce((sum, row) => sum + row.device_s, 0),
  };
}

/** One statement: a reader sees the changes or their sum; of two that fold at once each takes what the other left. */
async function foldTallies(db: Kysely<Database>, id: string): Promise<void> {
  await sql`
    with gone as (delete from sweep_tallies where sweep_id = ${id} returning state, phase, trials, device_s)
    insert into sweep_tallies (sweep_id, state, phase, trials, device_s)
    select ${id}, state, phase, sum(trials), sum(device_s) from gone group by state, phase`.execute(db);
}
