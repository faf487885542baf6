import type { StoredEvent } from '@murnau/domain';
import { type Kysely, sql } from 'kysely';
import type { Database } from '../database/schema.js';

/** Which events: all of them when nothing is named. A sweep's events include its trials'. */
export interface EventFilter {
  runId?: string | undefined;
  sweepId?: string | undefined;
  generationId?: string | undefined;
}

export interface NewEvent {
  kind: string;
  run_id?: string | null;
  sweep_id?: string | null;
  generation_id?: string | null;
  /** The step it speaks of: it is undone with that step when a claim resumes from an earlier one. */
  step?: number | null;
  data?: Record<string, unknown>;
}

/** An event as it was read, with the place it was read at. */
export interface EventRecord extends StoredEvent {
  generation_id: string | null;
}

export async function insertEvents(db: Kysely<Database>, events: readonly NewEvent[]): Promise<void> {
  if (events.length === 0) return;
  await db
    .insertInto('events')
    .values(
      events.map(
        ({ kind, run_id = null, sweep_id = null, generation_id = null, step = null, data = {} }) => ({
          kind,
          run_id,
          sweep_id,
          generation_id,
          step,
          data: JSON.stringify(data),
        }),
      ),
    )
    .execute();
}

/**
 * Events after a cursor, in the order of (transaction, id), which is the order of `id` strings given out.
 * Only transactions older than every one still open are shown, so that none can appear behind a cursor later.
 */
export async function selectEvents(
  db: Kysely<Database>,
  filter: EventFilter,
  after: EventCursor,
  limit: number,
  order: 'asc' | 'desc' = 'asc',
): Promise<EventRecord[]> {
  let query = db
    .selectFrom('events')
    .selectAll()
    .where(sql<boolean>`(tx, id) > (${after.tx}::xid8, ${after.id}::bigint)`)
    .where(sql<boolean>`tx < pg_snapshot_xmin(pg_current_snapshot())`)
    .orderBy('tx', order)
    .orderBy('id', order)
    .limit(limit);
  if (filter.runId !== undefined) query = query.where('run_id', '=', filter.runId);
  if (filter.sweepId !== undefined) query = query.where('sweep_id', '=', filter.sweepId);
  if (filter.generationId !== undefined) query = query.where('generation_id', '=', filter.generationId);
  const rows = await query.execute();
  return rows.map((row) => ({
    id: `${row.tx}-${row.id}`,
    kind: row.kind,
    run_id: row.run_id,
    sweep_id: row.sweep_id,
    generation_id: row.generation_id,
    data: row.step === null ? row.data : { ...row.data, step: row.step },
    created_at: row.created_at.toISOString(),
  }));
}

/** A place in the stream of all events. */
export interface EventCursor {
  tx: string;
  id: string;
}

export const START: EventCursor = { tx: '0', id: '0' };

/** Where the stream is now: everything that commits later comes after it. */
export async function selectEnd(db: Kysely<Database>): Promise<EventCursor> {
  const { rows } = await sql<{
    xmin: string;
  }>`select pg_snapshot_xmin(pg_current_snapshot())::text as xmin`.execute(db);
  return { tx: rows[0]?.xmin ?? '0', id: '0' };
}

/** Undefined: not an id that we gave out (an old page's, or made up). */
export function parseEventId(id: string): EventCursor | undefined {
  const match = /^(\d{1,20})-(\d{1,19})$/.exec(id);
  return match?.[1] === undefined || match[2] === undefined ? undefined : { tx: match[1], id: match[2] };
}

export function isAfter(id: string, cursor: EventCursor): boolean {
  const place = parseEventId(id);
  if (place === undefined) return false;
  const [tx, cursorTx] = [BigInt(place.tx), BigInt(cursor.tx)];
  return tx > cursorTx || (tx === cursorTx && BigInt(place.id) > BigInt(cursor.id));
}

export function matches(event: EventRecord, { runId, sweepId, generationId }: EventFilter): boolean {
  return (
    (runId === undefined || event.run_id === runId) &&
    (sweepId === undefined || event.sweep_id === sweepId) &&
    (generationId === undefined || event.generation_id === generationId)
  );
}
