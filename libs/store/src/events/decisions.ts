import type { Kysely } from 'kysely';
import type { Database } from '../database/schema.js';

export interface NewDecision {
  kind: string;
  trial?: number | null;
  /** `sweep`, or a person. */
  by: string;
  why: string;
  data?: Readonly<Record<string, unknown>>;
  /** Of the edit that made it. */
  update_id?: string;
}

export async function insertDecisions(
  db: Kysely<Database>,
  sweepId: string,
  decisions: readonly NewDecision[],
): Promise<void> {
  if (decisions.length === 0) return;
  await db
    .insertInto('sweep_decisions')
    .values(
      decisions.map(({ kind, trial = null, by, why, data = {}, update_id = null }) => ({
        sweep_id: sweepId,
        kind,
        trial,
        by,
        why,
        data: JSON.stringify(data),
        update_id,
      })),
    )
    .execute();
}
