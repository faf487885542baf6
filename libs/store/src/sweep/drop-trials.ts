import { endedPhases, runPhasesWithWorkflow } from '@murnau/domain';
import { sql, type Transaction } from 'kysely';
import type { Database } from '../database/schema.js';
import { cancelTrials } from './cancel-unstarted.js';
import { notPossible, type SweepRow } from './records.js';

interface Dropped {
  trial: number | null;
}

/**
 * Ends many trials without a result, in a few statements: those at work by their workflows, the others here. What has
 * ended stays as it is.
 * @throws `edit.not_possible` for a number that no trial has, or where all have ended
 */
export async function dropTrials(
  trx: Transaction<Database>,
  sweep: SweepRow,
  trials: readonly number[],
  by: string,
): Promise<Dropped[]> {
  const found = await trx
    .selectFrom('runs')
    .select(['id', 'trial', 'phase'])
    .where('sweep_id', '=', sweep.id)
    .where(sql<boolean>`trial = any(${[...trials]}::int[])`)
    .orderBy('trial')
    .forNoKeyUpdate()
    .execute();
  const known = new Set(found.map(({ trial }) => trial));
  const unknown = trials.find((trial) => !known.has(trial));
  if (unknown !== undefined) throw notPossible(sweep, `has no trial ${unknown}`);
  const open = found.filter(({ phase }) => !(endedPhases as readonly string[]).includes(phase));
  if (open.length === 0) throw notPossible(sweep, 'has no open trial among those named');
  const ids = open.map(({ id }) => id);
  await trx
    .updateTable('runs')
    .set({ wish: 'drop', wish_by: by })
    .where(sql<boolean>`id = any(${ids}::text[])`)
    .where('workflow_started', '=', true)
    .where('phase', 'in', runPhasesWithWorkflow)
    .execute();
  await cancelTrials(
    trx,
    { sweepId: sweep.id, by },
    sql`id = any(${ids}::text[]) and (phase = 'waiting' or not workflow_started)`,
  );
  return open;
}
