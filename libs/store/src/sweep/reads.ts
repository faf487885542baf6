import {
  endedPhases,
  type Page,
  type RunPhase,
  runPhasesWithWorkflow,
  type Sweep,
  type SweepDecision,
  type SweepPhase,
} from '@murnau/domain';
import type { Kysely } from 'kysely';
import { read, type StoreContext } from '../context.js';
import { cutPage, type PageQuery, readPageQuery } from '../database/pages.js';
import type { Database } from '../database/schema.js';
import { selectSweep, summarize, toSweep, unknownSweep } from './records.js';

interface SweepQuery extends PageQuery {
  phase?: SweepPhase | undefined;
  owner?: string | undefined;
}

interface DecisionQuery extends PageQuery {
  kind?: string | undefined;
}

/** A trial in short. */
export interface SweepTrial {
  run_id: string;
  trial: number;
  workflow_id: string;
  workflow_chain: number;
  workflow_started: boolean;
  phase: RunPhase;
  best_value: number | null;
}

/** @throws `sweep.not_found`, as all that follows */
export function getSweep(store: StoreContext, id: string): Promise<Sweep> {
  return read(store, async (db) => toSweep(await selectSweep(db, id), await summarize(db, [id])));
}

/** Newest first. */
export function listSweeps(store: StoreContext, query: SweepQuery = {}): Promise<Page<Sweep>> {
  const { before, limit } = readPageQuery(query);
  return read(store, async (db) => {
    let select = db.selectFrom('sweeps').selectAll().where('seq', '<', before);
    if (query.owner !== undefined) select = select.where('owner', '=', query.owner);
    if (query.phase !== undefined) select = select.where('phase', '=', query.phase);
    const rows = await select
      .orderBy('seq', 'desc')
      .limit(limit + 1)
      .execute();
    const summaries = await summarize(
      db,
      rows.map((row) => row.id),
    );
    return cutPage(rows, limit, (row) => toSweep(row, summaries));
  });
}

/** In their order. */
export function trialsOf(store: StoreContext, id: string): Promise<SweepTrial[]> {
  return read(store, (db) => selectTrials(db, id).orderBy('trial').execute());
}

/** Trials whose workflow should be open, after trial `after`, in their order. */
export function openTrials(
  store: StoreContext,
  id: string,
  { after = -1, limit = 200 }: { after?: number; limit?: number } = {},
): Promise<SweepTrial[]> {
  return read(store, (db) =>
    selectTrials(db, id)
      .where('trial', '>', after)
      .where('workflow_started', '=', true)
      .where('phase', 'in', runPhasesWithWorkflow)
      .orderBy('trial')
      .limit(limit)
      .execute(),
  );
}

function selectTrials(db: Kysely<Database>, id: string) {
  return db
    .selectFrom('runs')
    .select(['id as run_id', 'workflow_id', 'workflow_chain', 'workflow_started', 'phase', 'best_value'])
    .select((eb) => eb.ref('trial').$notNull().as('trial'))
    .where('sweep_id', '=', id);
}

/** Whether any of its trials has not ended. */
export function hasOpenTrials(store: StoreContext, id: string): Promise<boolean> {
  return read(store, async (db) => {
    const found = await db
      .selectFrom('runs')
      .select('id')
      .where('sweep_id', '=', id)
      .where('phase', 'not in', endedPhases)
      .limit(1)
      .executeTakeFirst();
    return found !== undefined;
  });
}

/** What a decision about one of its trials reads of a sweep. Not the file: a grid of ten thousand values is long. */
export async function briefSweep(
  store: StoreContext,
  id: string,
): Promise<{ phase: SweepPhase; workflow_id: string }> {
  const row = await read(store, (db) =>
    db.selectFrom('sweeps').select(['phase', 'workflow_id']).where('id', '=', id).executeTakeFirst(),
  );
  if (row === undefined) throw unknownSweep(id);
  return row;
}

/** Newest first. */
export function sweepDecisions(
  store: StoreContext,
  sweepId: string,
  query: DecisionQuery = {},
): Promise<Page<SweepDecision>> {
  const { before, limit } = readPageQuery(query);
  return read(store, async (db) => {
    await selectSweep(db, sweepId);
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
