import { type Asked, type EndedPhase, type Failure, isOpen, settledPhase, type Sweep } from '@murnau/domain';
import { sql, type Transaction } from 'kysely';
import { type StoreContext, write } from '../context.js';
import type { Database } from '../database/schema.js';
import { insertEvents } from '../events/event-records.js';
import { cancelUnstarted } from './cancel-unstarted.js';
import { noteSweepEdit } from './note-sweep-edit.js';
import { getSweep } from './reads.js';
import { lockSweep, type SweepRow } from './records.js';
import { selectCounts } from './trial-counts.js';

export interface SweepEnd {
  phase: EndedPhase;
  failure?: Failure | null;
  /** A person's request. Absent: no person asked. */
  asked?: Asked | undefined;
}

/** Ends it when none of its trials has anything left to do; else it stays as it is. */
export async function settleSweep(store: StoreContext, id: string): Promise<Sweep> {
  await write(store, async (trx) => {
    const sweep = await lockSweep(trx, id);
    if (!isOpen(sweep.phase)) return;
    const phase = settledPhase(await selectCounts(trx, id));
    if (phase === undefined) return;
    await writeEnd(trx, sweep, phase, phase === 'failed' ? await selectFirstFailure(trx, id) : null);
  });
  return getSweep(store, id);
}

/** An ended sweep stays as it ended. Its trials that have no workflow end with it. */
export async function endSweep(store: StoreContext, id: string, end: SweepEnd): Promise<Sweep> {
  await write(store, async (trx) => {
    const sweep = await lockSweep(trx, id);
    if (isOpen(sweep.phase)) await endLocked(trx, sweep, end);
  });
  return getSweep(store, id);
}

/** Its workflow of this chain has closed without storing the end. */
export async function endAbandonedSweep(
  store: StoreContext,
  id: string,
  chain: number,
  end: SweepEnd,
): Promise<void> {
  await write(store, async (trx) => {
    const sweep = await lockSweep(trx, id);
    const isAbandoned = sweep.workflow_started && sweep.workflow_chain === chain && isOpen(sweep.phase);
    if (isAbandoned) await endLocked(trx, sweep, end);
  });
}

/** Ends its trials that were not started or wait at a rung: none of them has a workflow. */
export async function cancelIdleTrials(store: StoreContext, id: string, by: string): Promise<void> {
  await write(store, async (trx) => {
    await lockSweep(trx, id);
    await cancelUnstarted(trx, id, by, { waitingToo: true });
  });
}

async function endLocked(
  trx: Transaction<Database>,
  sweep: SweepRow,
  { phase, failure = null, asked }: SweepEnd,
): Promise<void> {
  await writeEnd(trx, sweep, phase, failure);
  await cancelUnstarted(trx, sweep.id, asked?.by ?? 'its sweep', { waitingToo: true });
  if (asked !== undefined) await noteSweepEdit(trx, sweep.id, { kind: 'cancel', ...asked });
}

/** Why a sweep failed whose trials all did. */
async function selectFirstFailure(trx: Transaction<Database>, id: string): Promise<Failure | null> {
  const first = await trx
    .selectFrom('runs')
    .select(['trial', 'failure'])
    .where('sweep_id', '=', id)
    .where('phase', '=', 'failed')
    .orderBy('trial')
    .limit(1)
    .executeTakeFirst();
  if (first?.failure == null) return null;
  const message = `No trial has finished; trial ${first.trial} failed: ${first.failure.message}`;
  return { ...first.failure, message };
}

async function writeEnd(
  trx: Transaction<Database>,
  { id }: SweepRow,
  phase: EndedPhase,
  failure: Failure | null,
): Promise<void> {
  const stored = failure === null ? null : JSON.stringify(failure);
  await trx
    .updateTable('sweeps')
    .set({ phase, failure: stored, finished_at: sql<Date>`now()` })
    .where('id', '=', id)
    .execute();
  await insertEvents(trx, [
    { kind: 'phase', sweep_id: id, data: { phase, ...(failure === null ? {} : { failure }) } },
  ]);
}
