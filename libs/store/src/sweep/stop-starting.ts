import type { StoreContext } from '../context.js';
import { insertDecisions } from '../events/decisions.js';
import { cancelUnstarted } from './cancel-unstarted.js';
import { decided } from './decided.js';

/** Starts nothing more, for a reason of its own; what has no workflow and nothing stored ends. */
export async function stopStarting(store: StoreContext, id: string, reason: string): Promise<void> {
  await decided(store, id, async (trx, sweep) => {
    if (sweep.stop_reason !== null) return;
    await trx.updateTable('sweeps').set({ stop_reason: reason }).where('id', '=', id).execute();
    const not_started = await cancelUnstarted(trx, id, 'its sweep');
    await insertDecisions(trx, id, [{ kind: 'stop', by: 'sweep', why: reason, data: { not_started } }]);
  });
}
