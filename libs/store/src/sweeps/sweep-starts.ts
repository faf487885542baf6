import { type Sweep, sweepPhasesWithWorkflow } from '@murnau/domain';
import { type Kysely, sql } from 'kysely';
import type { Database } from '../database/schema.js';
import type { OpenQuery, OpenWorkflow } from '../database/open-workflows.js';
import { summarize, toSweep } from './sweep-records.js';

/** A sweep's workflow is started once stored, and again with the next chain when Temporal lost it. */

export interface UnstartedQuery {
  olderThanMs?: number;
  limit?: number;
}

export async function selectUnstarted(
  db: Kysely<Database>,
  { olderThanMs = 2_000, limit = 100 }: UnstartedQuery,
): Promise<Sweep[]> {
  const rows = await db
    .selectFrom('sweeps')
    .selectAll()
    .where('workflow_started', '=', false)
    .where('phase', 'in', sweepPhasesWithWorkflow)
    .where(sql<boolean>`created_at <= now() - ${olderThanMs} * interval '1 millisecond'`)
    .orderBy('created_at')
    .limit(limit)
    .execute();
  const summaries = await summarize(
    db,
    rows.map((row) => row.id),
  );
  return rows.map((row) => toSweep(row, summaries));
}

export async function selectOpen(
  db: Kysely<Database>,
  { afterId = '', limit = 500 }: OpenQuery,
): Promise<OpenWorkflow[]> {
  return db
    .selectFrom('sweeps')
    .select(['id', 'workflow_id', 'workflow_chain'])
    .where('id', '>', afterId)
    .where('workflow_started', '=', true)
    .where('phase', 'in', sweepPhasesWithWorkflow)
    .orderBy('id')
    .limit(limit)
    .execute();
}

export async function markSweepStarted(
  db: Kysely<Database>,
  id: string,
  chain: number,
  runId: string | null,
): Promise<void> {
  await db
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
    .execute();
}

export async function markSweepLost(db: Kysely<Database>, id: string, chain: number): Promise<void> {
  await db
    .updateTable('sweeps')
    .set({ workflow_started: false, workflow_chain: chain + 1 })
    .where('id', '=', id)
    .where('workflow_chain', '=', chain)
    .where('phase', 'in', sweepPhasesWithWorkflow)
    .execute();
}

export async function isDecidedBy(db: Kysely<Database>, id: string, runId: string): Promise<boolean> {
  const row = await db.selectFrom('sweeps').select('workflow_run_id').where('id', '=', id).executeTakeFirst();
  return row?.workflow_run_id === runId;
}
