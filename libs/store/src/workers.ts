import { MurnauError, type Worker } from '@murnau/domain';
import { sql } from 'kysely';
import type { Connection } from './database/connection.js';

/** What a dispatcher says of its worker, about each second. */
interface WorkerHeartbeat extends Omit<Worker, 'state' | 'reason' | 'last_seen_at'> {
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

  /** @returns whether somebody has asked, since the last word, to let it work again */
  async heartbeat(worker: WorkerHeartbeat): Promise<{ isLifted: boolean }> {
    return { isLifted: (await this.heartbeats([worker])).has(worker.name) };
  }

  /** The same of many. @returns names of those that are to work again */
  async heartbeats(workers: readonly WorkerHeartbeat[]): Promise<Set<string>> {
    if (workers.length === 0) return new Set();
    const rows = workers.map((worker) => ({
      ...worker,
      device: JSON.stringify(worker.device),
      models: JSON.stringify(worker.models),
      last_seen_at: sql<Date>`now()`,
      lift_requested_at: null,
    }));
    return this.#connection.repeatableTransaction(async (trx) => {
      const before = await trx
        .selectFrom('workers')
        .select(['name', 'lift_requested_at'])
        .where(
          'name',
          'in',
          workers.map(({ name }) => name),
        )
        .orderBy('name')
        .forUpdate()
        .execute();
      await trx
        .insertInto('workers')
        .values(rows)
        .onConflict((conflict) =>
          conflict.column('name').doUpdateSet((eb) => ({
            address: eb.ref('excluded.address'),
            device: eb.ref('excluded.device'),
            models: eb.ref('excluded.models'),
            slots: eb.ref('excluded.slots'),
            running: eb.ref('excluded.running'),
            generating: eb.ref('excluded.generating'),
            steps_per_second: eb.ref('excluded.steps_per_second'),
            quarantine_reason: eb.ref('excluded.quarantine_reason'),
            last_seen_at: sql<Date>`now()`,
            lift_requested_at: null,
          })),
        )
        .execute();
      const lifted = before.filter(({ lift_requested_at }) => lift_requested_at !== null);
      return new Set(lifted.map(({ name }) => name));
    });
  }

  /** Lets a quarantined worker work again: its dispatcher is told with its next word. @throws `edit.not_possible` */
  async lift(name: string): Promise<void> {
    const worker = (await this.list()).find((other) => other.name === name);
    if (worker?.state !== 'quarantined') {
      const what = worker === undefined ? 'There is no worker' : 'It is not quarantined:';
      throw new MurnauError('edit.not_possible', `${what} ${name}.`, { field: 'name', given: name });
    }
    await this.#connection.repeatable((db) =>
      db
        .updateTable('workers')
        .set({ lift_requested_at: sql<Date>`now()` })
        .where('name', '=', name)
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
        .map(
          ({ quarantine_reason, silent_ms, last_seen_at, lift_requested_at: _, device, models, ...row }) => ({
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
          }),
        );
    });
  }
}
