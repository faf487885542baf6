import type { Page, SweepDecision } from '@murnau/domain';
import type { Kysely } from 'kysely';
import type { Connection } from '../database/connection.js';
import { cutPage, type PageQuery, readPageQuery } from '../database/pages.js';
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

export interface DecisionQuery extends PageQuery {
  kind?: string | undefined;
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

/** Newest first. */
export function listDecisions(
  connection: Connection,
  sweepId: string,
  query: DecisionQuery = {},
): Promise<Page<SweepDecision>> {
  const { before, limit } = readPageQuery(query);
  return connection.repeatable(async (db) => {
    let select = db
      .selectFrom('sweep_decisions')
      .selectAll()
      .where('sweep_id', '=', sweepId)
      .where('seq', '<', before);
    if (query.kind !== undefined) select = select.where('kind', '=', query.kind);
    const rows = await select
      .orderBy('seq', 'desc')
      .limit(limit + 1)
      .execute();
    return cutPage(rows, limit, ({ seq, at, kind, trial, by, why, data }) => ({
      seq,
      at: at.toISOString(),
      kind,
      trial,
      by,
      why,
      data,
    }));
  });
}
