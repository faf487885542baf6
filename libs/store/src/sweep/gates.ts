import { type Gate, MurnauError } from '@murnau/domain';
import { sql, type Transaction } from 'kysely';
import type { StoreContext } from '../context.js';
import type { Database } from '../database/schema.js';
import { insertDecisions } from '../events/decisions.js';
import { decided } from './decided.js';
import type { SweepRow } from './records.js';
import { promoteLocked } from './rungs.js';

/** From now on a person may pick who goes on; doing it again changes nothing. */
export async function openGate(
  store: StoreContext,
  id: string,
  { rung, wait_s }: { rung: number; wait_s: number | null },
): Promise<void> {
  await decided(store, id, async (trx, sweep) => {
    if (sweep.gate !== null) return;
    const openedMs = Date.now();
    const deadline = wait_s === null ? null : new Date(openedMs + wait_s * 1_000).toISOString();
    const gate: Gate = { rung, opened_at: new Date(openedMs).toISOString(), deadline, is_passed: false };
    await trx
      .updateTable('sweeps')
      .set({ gate: JSON.stringify(gate) })
      .where('id', '=', id)
      .execute();
    const until = deadline === null ? '' : `, until ${deadline}`;
    const why = `a person picks who goes on from rung ${rung}${until}`;
    await insertDecisions(trx, id, [{ kind: 'gate', by: 'sweep', why, data: { rung, deadline } }]);
  });
}

interface Picked {
  trials: readonly number[];
  by: string;
  why: string;
}

/**
 * A person's pick: the trials picked train to their last step; the others that wait finish where they are.
 * @throws `edit.not_possible` when no gate is open, or a trial does not wait at it
 */
export async function pickWinners(
  trx: Transaction<Database>,
  sweep: SweepRow,
  picked: Picked,
): Promise<void> {
  const { gate } = sweep;
  if (gate === null || gate.is_passed) {
    throw new MurnauError('edit.not_possible', `Sweep ${sweep.id} waits for nobody to pick.`);
  }
  const waiting = await selectWaiting(trx, sweep.id, gate);
  const wanted = [...new Set(picked.trials)];
  const stranger = wanted.find((trial) => !waiting.some((run) => run.trial === trial));
  if (stranger !== undefined) {
    const there = waiting.map(({ trial }) => trial).join(', ');
    throw new MurnauError('edit.not_possible', `Trial ${stranger} does not wait at rung ${gate.rung}.`, {
      field: 'trials',
      given: String(stranger),
      allowed: there.length > 200 ? `${there.slice(0, 200)}…` : there,
    });
  }
  await passGate(trx, sweep, gate, waiting, picked);
}

/**
 * The timer's pick: nobody picked in time. A person may have picked since it was decided, and a trial may have ended: it
 * picks the others.
 */
export async function passGateByTimer(
  store: StoreContext,
  id: string,
  { trials, why }: Omit<Picked, 'by'>,
): Promise<void> {
  await decided(store, id, async (trx, sweep) => {
    const { gate } = sweep;
    if (gate === null || gate.is_passed) return;
    await passGate(trx, sweep, gate, await selectWaiting(trx, id, gate), { trials, by: 'sweep', why });
  });
}

interface Waiting {
  id: string;
  trial: number | null;
}

function selectWaiting(trx: Transaction<Database>, sweepId: string, { rung }: Gate): Promise<Waiting[]> {
  return trx
    .selectFrom('runs')
    .select(['id', 'trial'])
    .where('sweep_id', '=', sweepId)
    .where('phase', '=', 'waiting')
    .where('rung', '=', rung)
    .orderBy('trial')
    .execute();
}

async function passGate(
  trx: Transaction<Database>,
  sweep: SweepRow,
  gate: Gate,
  waiting: readonly Waiting[],
  { trials, by, why }: Picked,
): Promise<void> {
  await trx
    .updateTable('sweeps')
    .set({ gate: sql<string>`gate || '{"is_passed": true}'` })
    .where('id', '=', sweep.id)
    .execute();
  await promoteLocked(
    trx,
    sweep,
    waiting
      .filter(({ trial }) => trials.includes(trial ?? -1))
      .map(({ id }) => ({
        run_id: id,
        rung: gate.rung,
        why: why === '' ? 'picked' : why,
        by,
        toTheEnd: true,
      })),
  );
}
