import { type Failure, hasWorkflow, type Run } from '@murnau/domain';
import { sql, type Transaction } from 'kysely';
import type { Connection } from '../database/connection.js';
import type { Database } from '../database/schema.js';
import { insertEvents } from '../events/event-records.js';
import { insertDecisions } from '../sweeps/decisions.js';
import { endLocked } from './end-run.js';
import { lockRun, type RunRow, selectRun, toRun } from './run-records.js';

/**
 * A run's workflow may be started several times under one id: after a rung, a retry, or when Temporal lost it. Each
 * start has a chain above every one that was started or has claimed the run, so that claims stay in order.
 */

/** What every row gets that is to be started (again). */
export const toBeStarted = {
  phase: 'queued',
  workflow_started: false,
  workflow_chain: sql<number>`greatest(workflow_chain, claim_chain) + 1`,
  device_mark: null,
} as const;

/** A workflow of a run that was started. */
export interface StartedRun {
  run_id: string;
  chain: number;
}

/** As a table `given (id, chain)`. */
export const given = (started: readonly StartedRun[]) =>
  sql`unnest(${started.map(({ run_id }) => run_id)}::text[], ${started.map(({ chain }) => chain)}::int[]) as given (id, chain)`;

/** Workflows with these chains are at work. A word about an earlier one comes too late and changes nothing. */
export async function markRunsStarted(connection: Connection, started: readonly StartedRun[]): Promise<void> {
  if (started.length === 0) return;
  await connection.repeatableTransaction(async (trx) => {
    const { rows: changed } = await sql<
      Pick<RunRow, 'sweep_id' | 'trial' | 'rung' | 'certified_step'>
    >`update runs set workflow_started = true
      from ${given(started)}
      where runs.id = given.id and not workflow_started and workflow_chain <= given.chain
      returning sweep_id, trial, rung, certified_step`.execute(trx);
    for (const { sweep_id, trial, rung, certified_step } of changed) {
      if (sweep_id === null) continue;
      const from = Math.max(0, certified_step);
      const why = from === 0 ? 'a place is free' : `goes on from step ${from}`;
      await insertDecisions(trx, sweep_id, [
        { kind: 'start', trial, by: 'sweep', why, data: { rung, from_step: from } },
      ]);
    }
  });
}

/** Temporal never heard of the workflow with this chain: another is to be started. */
export async function markRunLost(connection: Connection, id: string, chain: number): Promise<void> {
  await connection.repeatableTransaction(async (trx) => {
    const run = await lockRun(trx, id);
    if (!isAtWork(run, chain)) return;
    await trx.updateTable('runs').set(toBeStarted).where('id', '=', id).execute();
    await insertEvents(trx, [
      { kind: 'restarted', run_id: id, sweep_id: run.sweep_id, data: { cause: 'workflow_lost' } },
    ]);
  });
}

/** The workflow with this chain was ended from outside: so is the run, unless it went on meanwhile. */
export async function endAbandonedRun(
  connection: Connection,
  id: string,
  chain: number,
  failure: Failure,
): Promise<Run> {
  return connection.repeatableTransaction(async (trx) => {
    const run = await lockRun(trx, id);
    if (isAtWork(run, chain)) await endLocked(trx, run, { phase: 'cancelled', failure });
    return toRun(await selectRun(trx, id));
  });
}

function isAtWork(run: RunRow, chain: number): boolean {
  return run.workflow_started && run.workflow_chain === chain && hasWorkflow(run.phase);
}

/** A run that had ended goes on from its newest checkpoint. */
export async function reopenRun(
  trx: Transaction<Database>,
  run: RunRow,
  changes: { spec?: string; target_step?: number | null } = {},
): Promise<void> {
  await trx
    .updateTable('runs')
    .set({
      ...toBeStarted,
      ...changes,
      failure: null,
      finished_at: null,
      early_stop: null,
      counted_restarts: 0,
      wish: null,
      wish_by: null,
    })
    .where('id', '=', run.id)
    .execute();
  await insertEvents(trx, [
    { kind: 'phase', run_id: run.id, sweep_id: run.sweep_id, data: { phase: 'queued' } },
  ]);
}
