import { generationPhasesWithWorkflow } from '@murnau/domain';
import { sql } from 'kysely';
import { read, type StoreContext } from '../context.js';
import type { OpenQuery, OpenWorkflow, UnstartedQuery } from '../database/open-workflows.js';
import { selectGeneration } from './records.js';

/** A generation's workflow is started once stored, and again with the next chain when Temporal lost it. */

/** Ids of generations whose workflow was not started. */
export function unstartedGenerations(
  store: StoreContext,
  { olderThanMs = 2_000, limit = 100 }: UnstartedQuery = {},
): Promise<string[]> {
  return read(store, async (db) => {
    const rows = await db
      .selectFrom('generations')
      .select('id')
      .where('workflow_started', '=', false)
      .where('phase', 'in', generationPhasesWithWorkflow)
      .where(sql<boolean>`created_at <= now() - ${olderThanMs} * interval '1 millisecond'`)
      .orderBy('created_at')
      .limit(limit)
      .execute();
    return rows.map(({ id }) => id);
  });
}

/** Generations whose workflow should be open, after `afterId`, by id. */
export function startedGenerations(
  store: StoreContext,
  { afterId = '', limit = 500 }: OpenQuery = {},
): Promise<OpenWorkflow[]> {
  return read(store, (db) =>
    db
      .selectFrom('generations')
      .select(['id', 'workflow_id', 'workflow_chain'])
      .where('id', '>', afterId)
      .where('workflow_started', '=', true)
      .where('phase', 'in', generationPhasesWithWorkflow)
      .orderBy('id')
      .limit(limit)
      .execute(),
  );
}

/** Chain with which its workflow was, or is to be, started last. */
export async function generationWorkflowChain(store: StoreContext, id: string): Promise<number> {
  return (await read(store, (db) => selectGeneration(db, id))).workflow_chain;
}

/** The workflow that was started with this chain is open; of an earlier one it changes nothing. */
export async function markGenerationStarted(store: StoreContext, id: string, chain = 0): Promise<void> {
  await read(store, (db) =>
    db
      .updateTable('generations')
      .set({ workflow_started: true })
      .where('id', '=', id)
      .where('workflow_chain', '<=', chain)
      .execute(),
  );
}

/** Temporal does not know the workflow of this chain: another is to be started. */
export async function markGenerationLost(store: StoreContext, id: string, chain: number): Promise<void> {
  await read(store, (db) =>
    db
      .updateTable('generations')
      .set({ workflow_started: false, workflow_chain: chain + 1 })
      .where('id', '=', id)
      .where('workflow_chain', '=', chain)
      .where('phase', 'in', generationPhasesWithWorkflow)
      .execute(),
  );
}
