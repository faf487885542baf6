import { type Asked, MurnauError, type Run, type RunEditKind, type RunWish } from '@murnau/domain';
import type { Transaction } from 'kysely';
import { type StoreContext, write } from '../context.js';
import type { Database } from '../database/schema.js';
import { cancelledBy, endLocked, publishRun, withFreshEmbeddingIds } from './end-run.js';
import { isNoted, noteRunEdit } from './note-run-edit.js';
import { lockRun, refuseEnded, type RunRow, selectRun, toRun } from './records.js';

interface RunEdit extends Asked {
  kind: RunEditKind | 'drop';
  /** The same edit under the same id is applied once. Absent: each time. */
  updateId?: string;
}

/**
 * Puts down what was asked of a run, with who and why. Its workflow does it; a run that has none at work, because it
 * waits at a rung or was not started, is ended here.
 * @throws `run.already_ended`, `edit.not_possible`
 */
export async function editRun(store: StoreContext, runId: string, edit: RunEdit): Promise<Run> {
  return withFreshEmbeddingIds(() =>
    write(store, async (trx) => {
      const run = await lockRun(trx, runId);
      if (edit.updateId !== undefined && (await isNoted(trx, runId, edit.updateId))) return toRun(run);
      refuseEnded(run);
      await editLocked(trx, run, edit);
      await noteRunEdit(trx, run, edit);
      return toRun(await selectRun(trx, runId));
    }),
  );
}

/** @throws `edit.not_possible` */
export async function editLocked(
  trx: Transaction<Database>,
  run: RunRow,
  { kind, by }: RunEdit,
): Promise<void> {
  const hasWorkflow = run.workflow_started && run.phase !== 'waiting';
  if (kind === 'resume') {
    if (run.wish !== 'pause') throw notPossible(run, 'is not paused');
    return setWish(trx, run.id, null, null);
  }
  if (kind === 'pause') {
    if (run.phase === 'waiting') throw notPossible(run, `waits at rung ${run.rung} and holds no device`);
    if (run.wish === 'stop' || run.wish === 'drop') throw notPossible(run, 'is ending');
    return setWish(trx, run.id, 'pause', by);
  }
  if (hasWorkflow) return setWish(trx, run.id, kind, by);
  if (kind === 'stop' && run.certified_step > 0) {
    await publishRun(trx, run, { early_stop: 'stopped' });
  } else {
    await endLocked(trx, run, { phase: 'cancelled', failure: cancelledBy(by) });
  }
}

async function setWish(
  trx: Transaction<Database>,
  id: string,
  wish: RunWish | null,
  wish_by: string | null,
): Promise<void> {
  await trx.updateTable('runs').set({ wish, wish_by }).where('id', '=', id).execute();
}

function notPossible(run: RunRow, why: string): MurnauError {
  return new MurnauError('edit.not_possible', `Run ${run.id} ${why}.`, { given: run.phase });
}
