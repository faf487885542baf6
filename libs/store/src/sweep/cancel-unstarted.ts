import { type RawBuilder, sql, type Transaction } from 'kysely';
import type { Database } from '../database/schema.js';
import { cancelledBy } from '../training-run/end-run.js';

/**
 * Ends, in one statement, trials that no workflow holds: those that have nothing to lose, or all.
 * @returns how many
 */
export function cancelUnstarted(
  trx: Transaction<Database>,
  sweepId: string,
  by: string,
  { waitingToo = false } = {},
): Promise<number> {
  return cancelTrials(
    trx,
    { sweepId, by },
    sql`(phase = 'queued' and not workflow_started and (certified_step <= 0 or ${waitingToo}::boolean))
        or (phase = 'waiting' and ${waitingToo}::boolean)`,
  );
}

/** Ends those trials of a sweep, in one statement. None of them may have a workflow. @returns how many */
export async function cancelTrials(
  trx: Transaction<Database>,
  { sweepId, by }: { sweepId: string; by: string },
  which: RawBuilder<unknown>,
): Promise<number> {
  const { rows } = await sql<{ id: string }>`
    with ended as (
      update runs set phase = 'cancelled', epoch = epoch + 1, finished_at = now(), wish = null, wish_by = null,
                      failure = ${JSON.stringify(cancelledBy(by))}::jsonb
      where sweep_id = ${sweepId} and (${which})
      returning id
    ), told as (
      insert into events (kind, run_id, sweep_id, data)
      select 'phase', id, ${sweepId}, '{"phase": "cancelled"}' from ended
    )
    select id from ended`.execute(trx);
  return rows.length;
}
