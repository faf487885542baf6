import type { Kysely, Transaction } from 'kysely';
import type { Connection } from './database/connection.js';
import type { Database } from './database/schema.js';
import type { EventHub } from './events/event-hub.js';

/** What every read and every command of the store begins with. */
export interface StoreContext {
  readonly connection: Connection;
  readonly hub: EventHub;
}

/** For what may be done twice. */
export function read<Result>(
  { connection }: StoreContext,
  work: (db: Kysely<Database>) => Promise<Result>,
): Promise<Result> {
  return connection.repeatable(work);
}

/** One transaction, which may be done twice; after its commit all processes are notified. */
export async function write<Result>(
  { connection, hub }: StoreContext,
  work: (trx: Transaction<Database>) => Promise<Result>,
): Promise<Result> {
  const result = await connection.repeatableTransaction(work);
  hub.announce();
  return result;
}

/** The functions of a feature without their first argument. */
export type Bound<Functions> = {
  readonly [Name in keyof Functions]: Functions[Name] extends (
    store: StoreContext,
    ...args: infer Arguments
  ) => infer Result
    ? (...args: Arguments) => Result
    : never;
};

export function bind<
  Functions extends Readonly<Record<string, (store: StoreContext, ...args: never[]) => unknown>>,
>(store: StoreContext, functions: Functions): Bound<Functions> {
  const bound = Object.entries(functions).map(([name, call]) => [
    name,
    (...args: never[]) => call(store, ...args),
  ]);
  return Object.fromEntries(bound) as Bound<Functions>;
}
