import { setTimeout as sleep } from 'node:timers/promises';
import { MurnauError } from '@murnau/domain';
import { Kysely, Migrator, PostgresDialect, type Transaction } from 'kysely';
import pLimit, { type LimitFunction } from 'p-limit';
import pg from 'pg';
import { isConnectionError, isTransient, RETRY_DELAY_MS, toStorageError } from './failures.js';
import { migrations } from './migrations.js';
import type { Database } from './schema.js';

interface ConnectionOptions {
  databaseUrl: string;
  /** Largest number of connections at once. Default 10. */
  maxConnections: number;
  /** How long a call waits for a database that is away, in all. Default 10,000. */
  patienceMs: number;
}

const INT8 = 20;
/** Whatever the server's own settings are. */
const UNLIMITED = '-c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0';

/**
 * The pool, and the one way to reach it: a database that restarts is waited for, within `patienceMs`.
 * Opening a connection is always repeated, since nothing was sent yet; a statement that broke off midway is repeated
 * only where the caller says that doing it twice is the same as once.
 */
export class Connection {
  readonly #databaseUrl: string;
  readonly #pool: pg.Pool;
  readonly #db: Kysely<Database>;
  readonly #patienceMs: number;
  /**
   * As many places as connections. What waits for one waits for its own process, not for a database that is away: so the
   * time to open a connection is not spent waiting for a free one.
   */
  readonly #places: LimitFunction;

  constructor({ databaseUrl, maxConnections, patienceMs }: ConnectionOptions) {
    this.#patienceMs = patienceMs;
    this.#places = pLimit(maxConnections);
    this.#databaseUrl = databaseUrl;
    this.#pool = openPool(databaseUrl, {
      max: maxConnections,
      statement_timeout: 30_000,
      // A stopped process that holds a run's lock must not keep others from claiming it.
      idle_in_transaction_session_timeout: 3_000,
    });
    this.#db = new Kysely<Database>({
      dialect: new PostgresDialect({
        pool: { connect: () => this.#openPatiently(), end: () => this.#pool.end() },
      }),
    });
  }

  /** For what may be done twice: reads, and writes whose second time changes nothing. */
  repeatable<Result>(work: (db: Kysely<Database>) => Promise<Result>): Promise<Result> {
    return this.#patiently(() => work(this.#db));
  }

  async #patiently<Result>(work: () => Promise<Result>): Promise<Result> {
    const deadline = Date.now() + this.#patienceMs;
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!isTransient(error) || Date.now() >= deadline) throw toStorageError(error);
        await sleep(RETRY_DELAY_MS);
      }
    }
  }

  /** `repeatable` in one transaction. */
  repeatableTransaction<Result>(work: (trx: Transaction<Database>) => Promise<Result>): Promise<Result> {
    return this.repeatable((db) => db.transaction().execute(work));
  }

  /** Without patience, for what is done again soon anyway. */
  once<Result>(work: (db: Kysely<Database>) => Promise<Result>): Promise<Result> {
    return work(this.#db);
  }

  /** A notice to every listener, lost when there is none. */
  async notify(channel: string): Promise<void> {
    await this.#pool.query('select pg_notify($1, $2)', [channel, '']);
  }

  async ping(): Promise<void> {
    await this.#pool.query('select 1').catch((error: unknown) => {
      throw toStorageError(error);
    });
  }

  /** The lock belongs to one connection, which is kept for it: whoever dies lets it go. */
  async withLock<Result>(name: string, work: () => Promise<Result>): Promise<Result | undefined> {
    const client = await this.#openPatiently();
    let isHeld = false;
    try {
      const { rows } = await client.query<{ held: boolean }>(
        'select pg_try_advisory_lock(hashtextextended($1, 0)) as held',
        [name],
      );
      isHeld = rows[0]?.held === true;
      return isHeld ? await work() : undefined;
    } finally {
      // A connection that cannot give its lock back is closed, which gives it back.
      const unlock = isHeld ? client.query('select pg_advisory_unlock_all()') : Promise.resolve();
      await unlock.then(
        () => client.release(),
        () => client.release(true),
      );
    }
  }

  /**
   * In sessions without limits of time: a migration may rewrite the largest table, or wait for one that does.
   * @param to name of the last migration to apply; default: all
   */
  async migrate(to?: string): Promise<void> {
    const pool = openPool(this.#databaseUrl, { max: 2, options: UNLIMITED });
    const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) });
    const migrator = new Migrator({ db, provider: { getMigrations: () => Promise.resolve(migrations) } });
    try {
      await this.#patiently(async () => {
        const { error } = await (to === undefined ? migrator.migrateToLatest() : migrator.migrateTo(to));
        if (error instanceof Error) throw error;
      });
    } finally {
      await db.destroy();
    }
  }

  async close(): Promise<void> {
    await this.#db.destroy();
  }

  /** A connection keeps its place until it is released. */
  #openPatiently(): Promise<pg.PoolClient> {
    return new Promise((resolve, reject) => {
      this.#places(async () => {
        const client = await this.#open();
        await new Promise<void>((giveBack) => resolve(givingBackItsPlace(client, giveBack)));
      }).catch(reject);
    });
  }

  async #open(): Promise<pg.PoolClient> {
    const deadline = Date.now() + this.#patienceMs;
    for (;;) {
      try {
        return await this.#pool.connect();
      } catch (error) {
        if (!isConnectionError(error)) throw error;
        if (Date.now() >= deadline) {
          const message = `The database does not answer: ${(error as Error).message}`;
          throw new MurnauError('storage.unavailable', message, { cause: error });
        }
        await sleep(RETRY_DELAY_MS);
      }
    }
  }
}

function openPool(databaseUrl: string, limits: pg.PoolConfig): pg.Pool {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    application_name: 'murnau',
    types: { getTypeParser: parserOf },
    ...limits,
  });
  // Without listeners a lost connection, idle or checked out, would end the process.
  pool.on('error', ignore);
  pool.on('connect', (client) => client.on('error', ignore));
  return pool;
}

function givingBackItsPlace(client: pg.PoolClient, giveBack: () => void): pg.PoolClient {
  const release = client.release.bind(client);
  client.release = (error) => {
    release(error);
    giveBack();
  };
  return client;
}

/** Our 64-bit integers (sizes, seeds up to 2^53 - 1, row numbers) all fit a double. */
function parserOf(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
  return oid === INT8 ? Number : (pg.types.getTypeParser(oid, format) as (value: string) => unknown);
}

function ignore(): void {}
