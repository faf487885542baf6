import type { Asked } from '@murnau/domain';
import { sql, type Transaction } from 'kysely';
import type { Database } from '../database/schema.js';
import { insertEvents } from '../events/event-records.js';
import { insertDecisions } from '../events/decisions.js';
import type { RunRow } from './records.js';

/** Puts down who asked what of a run, and why; of a trial also among its sweep's decisions. */
export async function noteRunEdit(
  trx: Transaction<Database>,
  { id, sweep_id, trial }: RunRow,
  { kind, by, why, updateId }: Asked & { kind: string; updateId?: string },
): Promise<void> {
  const data = { edit: kind, by, ...(why === '' ? {} : { why }), ...(updateId && { update_id: updateId }) };
  await insertEvents(trx, [{ kind: 'edited', run_id: id, sweep_id, data }]);
  if (sweep_id !== null) await insertDecisions(trx, sweep_id, [{ kind, trial, by, why }]);
}

/** Whether the edit of this id was applied before: Temporal applies updates again when a workflow is reset. */
export async function isNoted(trx: Transaction<Database>, runId: string, updateId: string): Promise<boolean> {
  const found = await trx
    .selectFrom('events')
    .select('id')
    .where('run_id', '=', runId)
    .where('kind', '=', 'edited')
    .where(sql<boolean>`data ->> 'update_id' = ${updateId}`)
    .executeTakeFirst();
  return found !== undefined;
}
