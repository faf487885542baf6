import { type Kysely, type Migration, sql } from 'kysely';

/** What a removal looks for by what it refers to: without these it reads whole tables, once for each trial. */
export const removals: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`
create index runs_dataset on runs (dataset_id);
create index rung_results_run on rung_results (run_id);`.execute(db);
  },
};
