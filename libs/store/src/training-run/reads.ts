import type { Page, Run, RunPhase } from '@murnau/domain';
import { read, type StoreContext } from '../context.js';
import { cutPage, type PageQuery, readPageQuery } from '../database/pages.js';
import { type RunRow, selectRun, toRun } from './records.js';

/** Training runs, trials included. */

interface RunQuery extends PageQuery {
  owner?: string | undefined;
  phase?: RunPhase | undefined;
  /** Null: runs of no sweep. */
  sweep_id?: string | null | undefined;
  placeholder?: string | undefined;
}

/** What the resource leaves out: who computes the run, and on what. */
interface RunDetails {
  epoch: number;
  /** Chain with which its workflow was, or is to be, started last. */
  workflow_chain: number;
  workflow_started: boolean;
  /** Newest claim. */
  claim: { chain: number; segment: number };
  wish_by: string | null;
  claimed_by: string | null;
  fingerprint: string | null;
  numerics_changed_at: number[];
  scores: Record<string, number>;
}

interface StoredCheckpoint {
  step: number;
  epoch: number;
  state_hash: string;
  embedding_hash: string;
  created_at: string;
}

/** @throws `run.not_found`, as all that follows */
export async function getRun(store: StoreContext, id: string): Promise<Run> {
  return toRun(await read(store, (db) => selectRun(db, id)));
}

/** Those of these that there are, in no order. */
export async function getRuns(store: StoreContext, ids: readonly string[]): Promise<Run[]> {
  if (ids.length === 0) return [];
  const rows = await read(store, (db) => db.selectFrom('runs').selectAll().where('id', 'in', ids).execute());
  return rows.map(toRun);
}

export async function runDetails(store: StoreContext, id: string): Promise<RunDetails> {
  return detailsOf(await read(store, (db) => selectRun(db, id)));
}

/** Both at once, of the same moment. */
export async function getRunWithDetails(
  store: StoreContext,
  id: string,
): Promise<{ run: Run; details: RunDetails }> {
  const row = await read(store, (db) => selectRun(db, id));
  return { run: toRun(row), details: detailsOf(row) };
}

/** Newest first. */
export function listRuns(store: StoreContext, query: RunQuery = {}): Promise<Page<Run>> {
  const { before, limit } = readPageQuery(query);
  return read(store, async (db) => {
    let select = db.selectFrom('runs').selectAll().where('seq', '<', before);
    if (query.owner !== undefined) select = select.where('owner', '=', query.owner);
    if (query.phase !== undefined) select = select.where('phase', '=', query.phase);
    if (query.sweep_id === null) select = select.where('sweep_id', 'is', null);
    else if (query.sweep_id !== undefined) select = select.where('sweep_id', '=', query.sweep_id);
    if (query.placeholder !== undefined) select = select.where('placeholder_token', '=', query.placeholder);
    const rows = await select
      .orderBy('seq', 'desc')
      .limit(limit + 1)
      .execute();
    return cutPage(rows, limit, toRun);
  });
}

/** Those that are kept, by `checkpoint.keep`, in the order of steps. */
export function runCheckpoints(store: StoreContext, id: string): Promise<StoredCheckpoint[]> {
  return read(store, async (db) => {
    const rows = await db
      .selectFrom('checkpoints')
      .selectAll()
      .where('run_id', '=', id)
      .orderBy('step')
      .execute();
    return rows.map(({ step, epoch, state_hash, embedding_hash, created_at }) => ({
      step,
      epoch,
      state_hash,
      embedding_hash,
      created_at: created_at.toISOString(),
    }));
  });
}

function detailsOf(row: RunRow): RunDetails {
  const { epoch, workflow_chain, workflow_started, wish_by } = row;
  const { claim_chain, claim_segment, claimed_by, fingerprint, numerics_changed_at, scores } = row;
  return {
    epoch,
    workflow_chain,
    workflow_started,
    claim: { chain: claim_chain, segment: claim_segment },
    wish_by,
    claimed_by,
    fingerprint,
    numerics_changed_at,
    scores,
  };
}
