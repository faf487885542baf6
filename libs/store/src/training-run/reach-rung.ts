import { hasWorkflow } from '@murnau/domain';
import { sql } from 'kysely';
import { type StoreContext, write } from '../context.js';
import { insertEvents } from '../events/event-records.js';
import { lockRun, type RunRow } from './records.js';

/**
 * A run has come to the step up to which it may train: it waits there, fenced, with no workflow, and what it has come
 * to is put down for the sweep to decide by. Said again, or after it was promoted, this changes nothing.
 */
export async function reachRung(store: StoreContext, id: string): Promise<void> {
  await write(store, async (trx) => {
    const run = await lockRun(trx, id);
    if (!hasReachedTarget(run)) return;
    const rung = run.rung + 1;
    await trx
      .updateTable('runs')
      .set({ phase: 'waiting', rung, epoch: run.epoch + 1, device_mark: null })
      .where('id', '=', id)
      .execute();
    const about = { run_id: id, sweep_id: run.sweep_id };
    await insertEvents(trx, [{ ...about, kind: 'phase', data: { phase: 'waiting', rung } }]);
    if (run.sweep_id === null || run.trial === null) return;
    const value = run.metrics[run.metric_name] ?? null;
    await trx
      .insertInto('rung_results')
      .values({
        sweep_id: run.sweep_id,
        rung,
        run_id: id,
        trial: run.trial,
        step: run.certified_step,
        value,
        merit: meritOf(run, value),
      })
      .onConflict((conflict) => conflict.columns(['sweep_id', 'rung', 'run_id']).doNothing())
      .execute();
  });
}

function hasReachedTarget({ phase, certified_step, target_step }: RunRow): boolean {
  return hasWorkflow(phase) && target_step !== null && certified_step >= target_step;
}

/** Greater is better; a trial whose metric was not measured comes last. */
function meritOf({ metric_goal }: RunRow, value: number | null) {
  if (value === null) return sql<number>`'-infinity'::float8`;
  return metric_goal === 'maximize' ? value : -value;
}
