import { sweepPhasesWithWorkflow } from '@murnau/domain';
import { sql } from 'kysely';
import { read, type StoreContext } from '../context.js';
import type { OpenQuery, OpenWorkflow, UnstartedQuery } from '../database/open-workflows.js';
import { selectSweep } from './records.js';

/** A sweep's workflow is started once stored, and again with the next chain when Temporal lost it. */

/** Ids of sweeps whose workflow was not started. */
export function unstartedSweeps(
  store: StoreContext,
  { olderThanMs = 2_000, limit = 100 }: UnstartedQuery = {},
): Promise<string[]> {
  return read(store, async (db) => {
    const rows = await db
      .selectFrom('sweeps')
      .select('id')
      .where('workflow_started', '=', false)
      .where('phase', 'in', sweepPhasesWithWorkflow)
      .where(sql<boolean>`created_at <= now() - ${olderThanMs} * interval '1 millisecond'`)
      .orderBy('created_at')
      .limit(limit)
      .execute();
    return rows.map(({ id }) => id);
  });
}

/** Sweeps whose workflow should be open, after `afterId`, by id. */
export function startedSweeps(
  store: StoreContext,
  { afterId = '', limit = 500 }: OpenQuery = {},
): Promise<OpenWorkflow[]> {
  return read(store, (db) =>
    db
      .selectFrom('sweeps')
      .select(['id', 'workflow_id', 'workflow_chain'])
      .where('id', '>', afterId)
      .where('workflow_started', '=', true)
      .where('phase', 'in', sweepPhasesWithWorkflow)
      .orderBy('id')
      .limit(limit)
      .execute(),
  );
}

/**
 * The workflow that was started with this chain is open; of an earlier one it changes nothing.
 * @param runId of the workflow's run that decides from now on
 */
export async function markSweepStarted(
  store: StoreContext,
  id: string,
  chain = 0,
  runId: string | null = null,
): Promise<void> {
  await read(store, (db) =>
    db
      .updateTable('sweeps')
      .set({ workflow_started: true, ...(runId === null ? {} : { workflow_run_id: runId }) })
      .where('id', '=', id)
      .where('workflow_chain', '<=', chain)
      .where((eb) =>
        eb.or([
          eb('workflow_started', '=', false),
          sql<boolean>`${runId}::text is not null and workflow_run_id is distinct from ${runId}`,
        ]),
      )
      .execute(),
  );
}

/** Temporal does not know the workflow of this chain: it is to be started again. */
export async function markSweepLost(store: StoreContext, id: string, chain: number): Promise<void> {
  await read(store, (db) =>
    db
      .updateTable('sweeps')
      .set({ workflow_started: false, workflow_chain: chain + 1 })
      .where('id', '=', id)
      .where('workflow_chain', '=', chain)
      .where('phase', 'in', sweepPhasesWithWorkflow)
      .execute(),
  );
}

/** Whether this run of its workflow is the one that decides now. */
export async function isDecidedBy(store: StoreContext, id: string, runId: string): Promise<boolean> {
  const row = await read(store, (db) =>
    db.selectFrom('sweeps').select('workflow_run_id').where('id', '=', id).executeTakeFirst(),
  );
  return row?.workflow_run_id === runId;
}

/** Chain with which its workflow is, or was, to be started. */
export async function sweepWorkflowChain(store: StoreContext, id: string): Promise<number> {
  return (await read(store, (db) => selectSweep(db, id))).workflow_chain;
}
