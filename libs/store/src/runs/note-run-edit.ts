import type { Asked } from '@murnau/domain';
import type { Transaction } from 'kysely';
import type { Database } from '../database/schema.js';
import { insertEvents } from '../events/event-records.js';
import { insertDecisions } from '../sweeps/decisions.js';
import type { RunRow } from './run-records.js';

/** Puts down who asked what of a run, and why; of a trial also among its sweep's decisions. */
export async function noteRunEdit(
  trx: Transaction<Database>,
  { id, sweep_id, trial }: RunRow,
  { kind, by, why }: Asked & { kind: string },
): Promise<void> {
  const data = { edit: kind, by, ...(why === '' ? {} : { why }) };
  await insertEvents(trx, [{ kind: 'edited', run_id: id, sweep_id, data }]);
  if (sweep_id !== null) await insertDecisions(trx, sweep_id, [{ kind, trial, by, why }]);
}
