import { endedPhases } from '@murnau/domain';
import { sql } from 'kysely';
import type { Connection } from './database/connection.js';

/** Rows that one statement looks at. */
const CHUNK = 2_000;

/** What is kept for a time only. Each removal goes through its table once, in chunks, and may run at any moment. */
export class Retention {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Events that are so old, of things that ended as long ago; never those of what is open, or of an open sweep's trials.
   * @returns how many
   */
  async removeEvents(olderThanDays: number): Promise<number> {
    const cutoff = sql`now() - ${olderThanDays} * interval '1 day'`;
    const isLongOver = sql`phase = any(${[...endedPhases]}) and finished_at < ${cutoff}`;
    let removed = 0;
    let after = 0;
    for (;;) {
      const { rows } = await this.#connection.repeatable((db) =>
        sql<{ last: number | null; is_old: boolean | null; removed: number }>`
          with looked_at as materialized (
            select id, run_id, sweep_id, generation_id, created_at from events
            where id > ${after} order by id limit ${CHUNK}
          ), removed as (
            delete from events using looked_at old
            where events.id = old.id and old.created_at < ${cutoff}
              and not exists (select from runs where id = old.run_id and not (${isLongOver}))
              and not exists (select from sweeps where id = old.sweep_id and not (${isLongOver}))
              and not exists (select from generations where id = old.generation_id and not (${isLongOver}))
            returning 1
          )
          select max(id) as last, bool_or(created_at < ${cutoff}) as is_old,
                 (select count(*)::int from removed) as removed
          from looked_at`.execute(db),
      );
      const { last = null, is_old = null, removed: gone = 0 } = rows[0] ?? {};
      removed += gone;
      // Ids grow with time: behind a chunk without an old one there is none.
      if (last === null || is_old !== true) return removed;
      after = last;
    }
  }

  /**
   * Keys under which nobody repeats a creation any more. A dataset's key is its content, which names it for ever.
   * @returns how many
   */
  async removeIdempotencyKeys(olderThanDays: number): Promise<number> {
    const { rows } = await this.#connection.repeatable((db) =>
      sql<{ removed: number }>`
        with removed as (
          delete from idempotency_keys
          where created_at < now() - ${olderThanDays} * interval '1 day' and scope <> 'dataset'
          returning 1
        )
        select count(*)::int as removed from removed`.execute(db),
    );
    return rows[0]?.removed ?? 0;
  }
}
