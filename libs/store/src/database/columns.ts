import type { ColumnType } from 'kysely';

/** Written as JSON text (pg would turn a list into a PostgreSQL array), read as the value. */
export type Json<Value> = ColumnType<Value, string, string>;
export type JsonWithDefault<Value> = ColumnType<Value, string | undefined, string>;
export type CreatedAt = ColumnType<Date, never, never>;
/** Assigned by the database in the order of creation: what pages are cut by. */
export type Sequence = ColumnType<number, never, never>;
