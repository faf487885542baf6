import { sql } from 'kysely';
import type { Connection } from './database/connection.js';

/** Browsers that are logged in, by the hash of what they hold. */
export class Sessions {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Forgets those that have ended. */
  async begin(hash: string, lastsS: number): Promise<void> {
    await this.#connection.repeatable(async (db) => {
      await db
        .deleteFrom('sessions')
        .where('ends_at', '<', sql<Date>`now()`)
        .execute();
      await db
        .insertInto('sessions')
        .values({ hash, ends_at: sql<Date>`now() + make_interval(secs => ${lastsS})` })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    });
  }

  isOpen(hash: string): Promise<boolean> {
    return this.#connection.repeatable(async (db) => {
      const found = await db
        .selectFrom('sessions')
        .select('hash')
        .where('hash', '=', hash)
        .where('ends_at', '>', sql<Date>`now()`)
        .executeTakeFirst();
      return found !== undefined;
    });
  }

  async end(hash: string): Promise<void> {
    await this.#connection.repeatable((db) => db.deleteFrom('sessions').where('hash', '=', hash).execute());
  }
}
