import { isOpen } from '@murnau/domain';
import type { Transaction } from 'kysely';
import { type StoreContext, write } from '../context.js';
import type { Database } from '../database/schema.js';
import { lockSweep, type SweepRow } from './records.js';

/**
 * A command by the sweep's own decision: one at a time, and none of a sweep that has ended since it was decided.
 * @returns undefined: it has ended
 */
export function decided<Result>(
  store: StoreContext,
  id: string,
  work: (trx: Transaction<Database>, sweep: SweepRow) => Promise<Result>,
): Promise<Result | undefined> {
  return write(store, async (trx) => {
    const sweep = await lockSweep(trx, id);
    return isOpen(sweep.phase) ? work(trx, sweep) : undefined;
  });
}
