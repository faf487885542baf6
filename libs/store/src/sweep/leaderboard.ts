import type { LeaderboardPage, Run } from '@murnau/domain';
import { type Kysely, sql } from 'kysely';
import { read, type StoreContext } from '../context.js';
import { cutPageAt, isInt, type PageQuery, readCursor, writeCursor } from '../database/pages.js';
import type { Database } from '../database/schema.js';
import { toRun } from '../training-run/records.js';
import { selectSweep } from './records.js';

/** Ascending: best certified value of the sweep's metric first; those without one last, in their order. */
export const leaderboardKey = sql<number>`leaderboard_key(metric_goal, best_value)`;

const list = 'leaderboard';
/** The key as text: it is Infinity without a value, which JSON has no word for. */
const isPlace = (key: readonly unknown[]): key is [key: string, trial: number] =>
  key.length === 2 && typeof key[0] === 'string' && !Number.isNaN(Number(key[0])) && isInt(key[1]);

/** A page of the trials, best first. One that moves while the pages are read may come twice, or not at all. */
export function leaderboard(
  store: StoreContext,
  id: string,
  { cursor, limit = 50 }: PageQuery = {},
): Promise<LeaderboardPage> {
  const after = cursor === undefined ? undefined : readCursor(list, cursor, isPlace);
  return read(store, async (db) => {
    const { spec } = await selectSweep(db, id);
    let select = selectBoard(db, id);
    if (after !== undefined) {
      select = select.where(
        sql<boolean>`(${leaderboardKey}, trial) > (${Number(after[0])}::float8, ${after[1]}::int)`,
      );
    }
    const rows = await select.limit(limit + 1).execute();
    const page = cutPageAt(rows, limit, toRun, ({ key, trial }) =>
      writeCursor(list, [String(key), trial ?? 0]),
    );
    return { metric: spec.metric.name, goal: spec.metric.goal, ...page };
  });
}

/** The best trials, as the leaderboard has them. */
export function bestTrials(store: StoreContext, id: string, limit: number): Promise<Run[]> {
  return read(store, async (db) => {
    await selectSweep(db, id);
    return (await selectBoard(db, id).limit(limit).execute()).map(toRun);
  });
}

function selectBoard(db: Kysely<Database>, id: string) {
  return db
    .selectFrom('runs')
    .selectAll()
    .select(leaderboardKey.as('key'))
    .where('sweep_id', '=', id)
    .orderBy(leaderboardKey)
    .orderBy('trial');
}

/** Not promoted, but ended by a person: so many more are looked at than are shown. */
const candidates = 10;

/** The best of the trials that wait at a rung, best first: among whom a person picks. */
export function waitingTrials(store: StoreContext, id: string, rung: number, limit: number): Promise<Run[]> {
  return read(store, async (db) => {
    const rows = await db
      .selectFrom((eb) =>
        eb
          .selectFrom('rung_results')
          .select(['run_id', 'merit'])
          .where('sweep_id', '=', id)
          .where('rung', '=', rung)
          .where('is_promoted', '=', false)
          .orderBy('merit', 'desc')
          .orderBy('trial')
          .limit(candidates * limit)
          .as('best'),
      )
      .innerJoin('runs', 'runs.id', 'best.run_id')
      .selectAll('runs')
      .where('phase', '=', 'waiting')
      .where('runs.rung', '=', rung)
      .orderBy('merit', 'desc')
      .orderBy('trial')
      .limit(limit)
      .execute();
    return rows.map(toRun);
  });
}

/** Numbers of trials with their runs' ids, of those that are named by either. */
export async function trialIds(
  store: StoreContext,
  id: string,
  { runIds = [], trials = [] }: { runIds?: readonly string[]; trials?: readonly number[] },
): Promise<{ run_id: string; trial: number }[]> {
  const { rows } = await read(store, (db) =>
    sql<{ run_id: string; trial: number }>`
      select id as run_id, trial from runs where sweep_id = ${id} and id = any(${runIds}::text[])
      union
      select id, trial from runs where sweep_id = ${id} and trial = any(${trials}::int[])`.execute(db),
  );
  return rows;
}
