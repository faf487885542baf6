import { sql, type Transaction } from 'kysely';
import type { Database } from '../database/schema.js';
import { cancelledBy } from '../training-run/end-run.js';

/**
 * Ends, in one statement, trials that no workflow holds: those that have nothing to lose, or all.
 * @returns how many
 */
export async function cancelUnstarted(
  trx: Transaction<Database>,
  sweepId: string,
  by: string,
  { waitingToo = false } = {},
): Promise<number> {
  const { rows } = await sql<{ id: string }>`
    with ended as (
      update runs set phase = 'cancelled', epoch = epoch + 1, finished_at = now(), wish = null, wish_by = null,
                      failure = ${JSON.stringify(cancelledBy(by))}::jsonb
      where sweep_id = ${sweepId}
        and ((phase = 'queued' and not workflow_started and (certified_step <= 0 or ${waitingToo}::boolean))
             or (phase = 'waiting' and ${waitingToo}::boolean))
      returning id
    ), told as (
      insert into events (kind, run_id, sweep_id, data)
      select 'phase', id, ${sweepId}, '{"phase": "cancelled"}' from ended
    )
    select id from ended`.execute(trx);
  return rows.length;
}
