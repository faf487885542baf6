import { type MetricPoint, type Page, type Sample, type SampleKind, sampleKinds } from '@murnau/domain';
import { sql } from 'kysely';
import { read, type StoreContext } from '../context.js';
import { cutPageAt, isInt, type PageQuery, readCursor, writeCursor } from '../database/pages.js';
import { selectRun } from './records.js';

/** What a run has measured and drawn. Readers see certified rows only, which never change. */

interface MetricQuery extends PageQuery {
  names?: readonly string[] | undefined;
  after_step?: number | undefined;
}

interface SampleQuery extends PageQuery {
  kind?: SampleKind | undefined;
  step?: number | undefined;
}

const metricList = 'metrics';
const isMetricKey = (key: readonly unknown[]): key is [step: number, name: string] =>
  key.length === 2 && isInt(key[0]) && typeof key[1] === 'string' && /^[^\p{Cc}\p{Cs}]+$/u.test(key[1]);

const sampleList = 'samples';
const isSampleKey = (key: readonly unknown[]): key is [step: number, kind: SampleKind, position: number] =>
  key.length === 3 && isInt(key[0]) && (sampleKinds as readonly unknown[]).includes(key[1]) && isInt(key[2]);

/** A page, in the order of steps, then names. Default limit: 1,000. */
export function runMetrics(
  store: StoreContext,
  id: string,
  { names = [], after_step, cursor, limit = 1_000 }: MetricQuery = {},
): Promise<Page<MetricPoint>> {
  const after = cursor === undefined ? undefined : readCursor(metricList, cursor, isMetricKey);
  return read(store, async (db) => {
    const { certified_step } = await selectRun(db, id);
    let select = db
      .selectFrom('metrics')
      .select(['step', 'name', 'value'])
      .where('run_id', '=', id)
      .where('step', '<=', certified_step);
    if (after_step !== undefined) select = select.where('step', '>', after_step);
    if (names.length > 0) select = select.where('name', 'in', names);
    if (after !== undefined)
      select = select.where(sql<boolean>`(step, name) > (${after[0]}::int, ${after[1]})`);
    const rows = await select
      .orderBy('step')
      .orderBy('name')
      .limit(limit + 1)
      .execute();
    return cutPageAt(
      rows,
      limit,
      (row) => row,
      ({ step, name }) => writeCursor(metricList, [step, name]),
    );
  });
}

/**
 * Every metric as a curve of at most so many points that stand for all: the steps are cut into `points / 2` equal
 * stretches, and of each the lowest and the highest value stay; and the last of all. By name, then step.
 */
export function runCurves(store: StoreContext, id: string, points: number): Promise<MetricPoint[]> {
  return read(store, async (db) => {
    const { certified_step } = await selectRun(db, id);
    const { rows } = await sql<MetricPoint>`
      with placed as (
        select step, name, value, step::bigint * ${Math.floor(points / 2)}::int / (${certified_step}::bigint + 1) as stretch
        from metrics where run_id = ${id} and step <= ${certified_step}
      ), ranked as (
        select step, name, value,
               row_number() over (partition by name, stretch order by value, step) as from_lowest,
               row_number() over (partition by name, stretch order by value desc, step) as from_highest,
               row_number() over (partition by name order by step desc) as from_last
        from placed
      )
      select step, name, value from ranked where from_lowest = 1 or from_highest = 1 or from_last = 1 order by name, step`.execute(
      db,
    );
    return rows;
  });
}

/** A page, in the order of steps, kinds, positions. Default limit: 50. */
export function runSamples(
  store: StoreContext,
  id: string,
  { kind, step, cursor, limit = 50 }: SampleQuery = {},
): Promise<Page<Sample>> {
  const after = cursor === undefined ? undefined : readCursor(sampleList, cursor, isSampleKey);
  return read(store, async (db) => {
    const { certified_step } = await selectRun(db, id);
    let select = db
      .selectFrom('samples')
      .select(['step', 'kind', 'position', 'prompt', 'seed', 'hash', 'image_alignment'])
      .where('run_id', '=', id)
      .where('step', '<=', certified_step);
    if (kind !== undefined) select = select.where('kind', '=', kind);
    if (step !== undefined) select = select.where('step', '=', step);
    if (after !== undefined) {
      select = select.where(
        sql<boolean>`(step, kind, position) > (${after[0]}::int, ${after[1]}, ${after[2]}::int)`,
      );
    }
    const rows = await select
      .orderBy('step')
      .orderBy('kind')
      .orderBy('position')
      .limit(limit + 1)
      .execute();
    return cutPageAt(
      rows,
      limit,
      (row) => row,
      (row) => writeCursor(sampleList, [row.step, row.kind, row.position]),
    );
  });
}

/** Steps at which pictures were drawn on the way, rising. */
export function sampledSteps(store: StoreContext, id: string): Promise<number[]> {
  return read(store, async (db) => {
    const { certified_step } = await selectRun(db, id);
    const rows = await db
      .selectFrom('samples')
      .select('step')
      .distinct()
      .where('run_id', '=', id)
      .where('kind', '=', 'progress')
      .where('step', '<=', certified_step)
      .orderBy('step')
      .execute();
    return rows.map(({ step }) => step);
  });
}

/** The pictures drawn on the way at these steps, and all that were drawn at the end; by step, kind, position. */
export function samplesAt(store: StoreContext, id: string, steps: readonly number[]): Promise<Sample[]> {
  return read(store, async (db) => {
    const { certified_step } = await selectRun(db, id);
    return db
      .selectFrom('samples')
      .select(['step', 'kind', 'position', 'prompt', 'seed', 'hash', 'image_alignment'])
      .where('run_id', '=', id)
      .where('step', '<=', certified_step)
      .where(sql<boolean>`(kind <> 'progress' or step = any(${steps}::int[]))`)
      .orderBy('step')
      .orderBy('kind')
      .orderBy('position')
      .execute();
  });
}

/** The newest of each kind, of many runs at once: all pictures of its last step. By run, step, kind, position. */
export async function newestSamples(
  store: StoreContext,
  ids: readonly string[],
): Promise<(Sample & { run_id: string })[]> {
  if (ids.length === 0) return [];
  const { rows } = await read(store, (db) =>
    sql<Sample & { run_id: string }>`
      select run_id, samples.step, samples.kind, position, prompt, seed, hash, image_alignment
      from runs
      cross join unnest(${sampleKinds}::text[]) as drawn (kind)
      cross join lateral (
        select max(step) as step from samples
        where run_id = runs.id and kind = drawn.kind and step <= runs.certified_step
      ) as newest
      join samples on run_id = runs.id and samples.kind = drawn.kind and samples.step = newest.step
      where runs.id = any(${ids}::text[])
      order by run_id, samples.step, samples.kind, position`.execute(db),
  );
  return rows;
}
