import { type Kysely, type Migration, sql } from 'kysely';

/** Times in a row that a worker's process ended under a run, or a generation (`libs/domain/src/worker-deaths.ts`). */
export const workerDeaths: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`
alter table runs add worker_deaths int not null default 0;
alter table generations add worker_deaths int not null default 0;`.execute(db);
  },
};
