import { endedPhases, type Gate, type SweepFile, type SweepPhase, type TrialCounts } from '@murnau/domain';
import { type Kysely, sql } from 'kysely';
import { read, type StoreContext } from '../context.js';
import type { Database } from '../database/schema.js';
import { startedTable, type StartedRun } from '../training-run/starts.js';
import { unknownSweep } from './records.js';
import { selectCounts } from './trial-counts.js';

/** A trial whose workflow is to be started. */
interface UnstartedTrial {
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
  next: UnstartedTrial[];
  /** Of an `ordered` sweep, the lowest number of a trial that has not ended; null: all have. */
  first_open: number | null;
  /** Workflows of trials that do something else than what is wanted of them. */
  unresponsive_trials: string[];
}

interface FactsQuery {
  /** Starts that are under way: their trials are as good as started. Default: none. */
  starting?: readonly StartedRun[];
  /** Most trials to start. Default 50. */
  starts?: number;
  /** Most workflows of unresponsive trials. Default 200. */
  unresponsive_trials?: number;
}

/** What its next decision is made by; the size of the answer does not grow with the number of trials. */
export function sweepFacts(
  store: StoreContext,
  id: string,
  { starting = [], starts = 50, unresponsive_trials = 200 }: FactsQuery = {},
): Promise<SweepFacts> {
  return read(store, async (db) => {
    const row = await db
      .selectFrom('sweeps')
      .selectAll()
      .select(sql<number>`extract(epoch from now() - created_at)::float8`.as('age_s'))
      .where('id', '=', id)
      .executeTakeFirst();
    if (row === undefined) throw unknownSweep(id);
    const { device_s, ...counts } = await selectCounts(db, id, starting);
    const isPaused = row.phase === 'paused';
    return {
      sweep: { ...row, device_s },
      counts,
      first_open: row.spec.ordered ? await selectFirstOpen(db, id) : null,
      next: counts.to_start === 0 ? [] : await selectNext(db, id, starting, starts),
      unresponsive_trials:
        counts.open === 0 ? [] : await selectUnresponsive(db, id, isPaused, unresponsive_trials),
    };
  });
}

function selectNext(
  db: Kysely<Database>,
  id: string,
  starting: readonly StartedRun[],
  limit: number,
): Promise<UnstartedTrial[]> {
  return db
    .selectFrom('runs')
    .select(['id as run_id', 'workflow_id', 'workflow_chain'])
    .select((eb) => eb.ref('trial').$notNull().as('trial'))
    .where('sweep_id', '=', id)
    .where('phase', '=', 'queued')
    .where('workflow_started', '=', false)
    .where(sql<boolean>`wish is distinct from 'pause'`)
    .where(sql<boolean>`(id, workflow_chain) not in (select id, chain from ${startedTable(starting)})`)
    .orderBy('rung', 'desc')
    .orderBy('trial')
    .limit(limit)
    .execute();
}

async function selectUnresponsive(
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

async function selectFirstOpen(db: Kysely<Database>, id: string): Promise<number | null> {
  const { first } = await db
    .selectFrom('runs')
    .select(sql<number | null>`min(trial)`.as('first'))
    .where('sweep_id', '=', id)
    .where('phase', 'not in', endedPhases)
    .executeTakeFirstOrThrow();
  return first;
}
