import type { Transaction } from 'kysely';
import type { Database } from '../database/schema.js';
import { insertDecisions, type NewDecision } from '../events/decisions.js';
import { insertEvents } from '../events/event-records.js';

/** Stores who asked what of a sweep, and why. */
export async function noteSweepEdit(
  trx: Transaction<Database>,
  id: string,
  decision: NewDecision,
): Promise<void> {
  const { kind, by, why } = decision;
  await insertDecisions(trx, id, [decision]);
  const data = { edit: kind, by, ...(why === '' ? {} : { why }) };
  await insertEvents(trx, [{ kind: 'edited', sweep_id: id, data }]);
}
