import { type Kysely, type Migration, sql } from 'kysely';

/**
 * Generations are started again under the next chain, as runs and sweeps are, so that the reconciler can treat them
 * alike; and each round of it finds what has a workflow without reading the rows that have ended. A sweep keeps what
 * its creator was told of its space.
 */
export const workflowEnds: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`
alter table generations add workflow_chain int not null default 0;
alter table sweeps add notices jsonb not null default '[]';
create index generations_with_workflow on generations (id)
  where workflow_started and phase in ('queued', 'running');
create index sweeps_with_workflow on sweeps (id) where workflow_started and phase in ('running', 'paused');
create index runs_with_workflow on runs (id) where workflow_started and phase in ('queued', 'running', 'paused');
create index events_run_edits on events (run_id) where kind = 'edited';`.execute(db);
  },
};
