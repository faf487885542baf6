import type { SweepFile, SweepPhase } from '@murnau/domain';
import { type Kysely, sql } from 'kysely';
import type { Database, Gate } from '../database/schema.js';

/** Trials of a sweep by what may be done with them; read by one query, whatever their number. */
export interface TrialCounts {
  /** Planned, or to go on, with no workflow yet. */
  to_start: number;
  /** Of these, the ones that go on from a stored step. */
  resumed: number;
  /** With a workflow that is to train: they fill the window. */
  open: number;
  /** Paused by a person. */
  held: number;
  /** At a rung. */
  waiting: number;
  finished: number;
  failed: number;
  cancelled: number;
}

export interface TrialToStart {
  run_id: string;
  trial: number;
  workflow_id: string;
  workflow_chain: number;
}

/** What a sweep is decided by, apart from its trials. */
export interface SweepState {
  id: string;
  name: string;
  owner: string;
  phase: SweepPhase;
  spec: SweepFile;
  workflow_id: string;
  workflow_chain: number;
  max_concurrent_trials: number;
  priority: number;
  stop_reason: string | null;
  stage: 'search' | 'finalists';
  gate: Gate | null;
  /** Time since it was stored, in seconds. */
  age_s: number;
  device_s: number;
}

export interface SweepFacts {
  sweep: SweepState;
  counts: TrialCounts;
  /** The next to start: those that go on first, then by number. */
  next: TrialToStart[];
  /** Lowest number of a trial that has not ended; null: all have. */
  first_open: number | null;
  /** Workflows of trials that do something else than what is wanted of them. */
  astray: string[];
}

export async function selectFacts(
  db: Kysely<Database>,
  id: string,
  { starts, astray }: { starts: number; astray: number },
): Promise<SweepFacts | undefined> {
  const row = await db
    .selectFrom('sweeps')
    .selectAll()
    .select(sql<number>`extract(epoch from now() - created_at)::float8`.as('age_s'))
    .where('id', '=', id)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { device_s, first_open, ...counts } = await selectCounts(db, id);
  return {
    sweep: { ...row, device_s },
    counts,
    first_open,
    next: counts.to_start === 0 ? [] : await selectNext(db, id, starts),
    astray: await selectAstray(db, id, row.phase === 'paused', astray),
  };
}

export async function selectCounts(
  db: Kysely<Database>,
  id: string,
): Promise<TrialCounts & { device_s: number; first_open: number | null }> {
  const isHeld = sql`wish is not distinct from 'pause'`;
  const isUnstarted = sql`phase = 'queued' and not workflow_started`;
  const { rows } = await sql<TrialCounts & { device_s: number; first_open: number | null }>`
    select count(*) filter (where ${isUnstarted} and not (${isHeld})) as to_start,
           count(*) filter (where ${isUnstarted} and not (${isHeld}) and certified_step > 0) as resumed,
           count(*) filter (where phase = 'running' or (phase = 'queued' and workflow_started)
                              or (phase = 'paused' and not (${isHeld}))) as open,
           count(*) filter (where (${isHeld}) and (phase = 'paused' or (${isUnstarted}))) as held,
           count(*) filter (where phase = 'waiting') as waiting,
           count(*) filter (where phase = 'finished') as finished,
           count(*) filter (where phase = 'failed') as failed,
           count(*) filter (where phase = 'cancelled') as cancelled,
           min(trial) filter (where phase not in ('finished', 'failed', 'cancelled')) as first_open,
           coalesce(sum(device_s), 0) as device_s
    from runs where sweep_id = ${id}`.execute(db);
  const [row] = rows;
  if (row === undefined) throw new TypeError('an aggregate without a row');
  return row;
}

function selectNext(db: Kysely<Database>, id: string, limit: number): Promise<TrialToStart[]> {
  return db
    .selectFrom('runs')
    .select(['id as run_id', 'workflow_id', 'workflow_chain'])
    .select((eb) => eb.ref('trial').$notNull().as('trial'))
    .where('sweep_id', '=', id)
    .where('phase', '=', 'queued')
    .where('workflow_started', '=', false)
    .where(sql<boolean>`wish is distinct from 'pause'`)
    .orderBy('rung', 'desc')
    .orderBy('trial')
    .limit(limit)
    .execute();
}

async function selectAstray(
  db: Kysely<Database>,
  id: string,
  isPaused: boolean,
  limit: number,
): Promise<string[]> {
  const { rows } = await sql<{ workflow_id: string }>`
    select workflow_id from runs
    where sweep_id = ${id} and workflow_started and phase in ('queued', 'running', 'paused') and (
      (phase <> 'paused' and (${isPaused}::boolean or wish is not null))
      or (phase = 'paused' and wish in ('stop', 'drop'))
      or (phase = 'paused' and not ${isPaused}::boolean and wish is null))
    order by trial limit ${limit}`.execute(db);
  return rows.map(({ workflow_id }) => workflow_id);
}
