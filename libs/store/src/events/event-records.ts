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

/** A place: microseconds since 1970, or a few more. */
const EVENT_ID = /^\d{1,16}$/;
/** Events that get their place in one statement. */
const PLACED_AT_ONCE = 5_000;

/** Before the first event. */
export const START = 0;

/** Gives every committed event its place: the first thing that a reader does. */
export async function placeEvents(db: Kysely<Database>): Promise<void> {
  for (;;) {
    const { rows } = await sql<{ placed: number }>`select place_events(${PLACED_AT_ONCE}) as placed`.execute(
      db,
    );
    if ((rows[0]?.placed ?? 0) < PLACED_AT_ONCE) return;
  }
}

/** Events with a place after the given one, in the order of places, whose decimal digits are the ids given out. */
export async function selectEvents(
  db: Kysely<Database>,
  filter: EventFilter,
  after: number,
  limit: number,
  order: 'asc' | 'desc' = 'asc',
): Promise<EventRecord[]> {
  let query = db
    .selectFrom('events')
    .selectAll()
    .where('place', '>', after)
    .orderBy('place', order)
    .limit(limit);
  if (filter.runId !== undefined) query = query.where('run_id', '=', filter.runId);
  if (filter.sweepId !== undefined) query = query.where('sweep_id', '=', filter.sweepId);
  if (filter.generationId !== undefined) query = query.where('generation_id', '=', filter.generationId);
  const rows = await query.execute();
  return rows.map((row) => ({
    id: String(row.place),
    kind: row.kind,
    run_id: row.run_id,
    sweep_id: row.sweep_id,
    generation_id: row.generation_id,
    data: row.step === null ? row.data : { ...row.data, step: row.step },
    created_at: row.created_at.toISOString(),
  }));
}

/** The newest place: what was committed before lies at it or before it, what commits later behind it. */
export async function selectEnd(db: Kysely<Database>): Promise<number> {
  await placeEvents(db);
  const newest = await db
    .selectFrom('events')
    .select(({ fn }) => fn.max('place').as('place'))
    .executeTakeFirst();
  return newest?.place ?? START;
}

/** Undefined: not an id that we gave out (an old page's, or made up). */
export function parseEventId(id: string): number | undefined {
  return EVENT_ID.test(id) ? Number(id) : undefined;
}

export function matches(event: EventRecord, { runId, sweepId, generationId }: EventFilter): boolean {
  return (
    (runId === undefined || event.run_id === runId) &&
    (sweepId === undefined || event.sweep_id === sweepId) &&
    (generationId === undefined || event.generation_id === generationId)
  );
}
