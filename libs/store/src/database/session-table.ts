import { type ColumnType, type Kysely, type Migration, sql } from 'kysely';

export interface SessionsTable {
  /** Of what the browser holds: the row opens nothing. */
  hash: string;
  ends_at: ColumnType<Date, Date, never>;
}

/** Browsers that are logged in. */
export const sessionTable: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`create table sessions (hash text primary key, ends_at timestamptz not null);`.execute(db);
  },
};
