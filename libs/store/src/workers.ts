import type { Worker } from '@murnau/domain';
import { sql } from 'kysely';
import type { Connection } from './database/connection.js';

/** What a dispatcher says of its worker, about each second. */
export interface WorkerHeartbeat extends Omit<Worker, 'state' | 'reason' | 'last_seen_at'> {
  /** Why the worker gets no work; null: it does. */
  quarantine_reason: string | null;
}

/** Heartbeats come each second; a few may be late. */
const OFFLINE_AFTER_MS = 5_000;
const FORGOTTEN_AFTER_MS = 24 * 3_600_000;

export class Workers {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async heartbeat(worker: WorkerHeartbeat): Promise<void> {
    const row = {
      ...worker,
      device: JSON.stringify(worker.device),
      models: JSON.stringify(worker.models),
      last_seen_at: sql<Date>`now()`,
    };
    const { name: _, ...changes } = row;
    await this.#connection.repeatable((db) =>
      db
        .insertInto('workers')
        .values(row)
        .onConflict((conflict) => conflict.column('name').doUpdateSet(changes))
        .execute(),
    );
  }

  /** A worker that ended on purpose; one that was lost shows as offline, then is forgotten after a day. */
  async remove(name: string): Promise<void> {
    await this.#connection.repeatable((db) => db.deleteFrom('workers').where('name', '=', name).execute());
  }

  list(): Promise<Worker[]> {
    return this.#connection.repeatable(async (db) => {
      const rows = await db
        .selectFrom('workers')
        .selectAll()
        .select(sql<number>`extract(epoch from now() - last_seen_at)::float8 * 1000`.as('silent_ms'))
        .orderBy('name')
        .execute();
      return rows
        .filter((row) => row.silent_ms < FORGOTTEN_AFTER_MS)
        .map(({ quarantine_reason, silent_ms, last_seen_at, device, models, ...row }) => ({
          ...row,
          device: device as Worker['device'],
          models: models as Worker['models'],
          state:
            silent_ms > OFFLINE_AFTER_MS
              ? ('offline' as const)
              : quarantine_reason === null
                ? ('online' as const)
                : ('quarantined' as const),
          reason: quarantine_reason,
          last_seen_at: last_seen_at.toISOString(),
        }));
    });
  }
}
