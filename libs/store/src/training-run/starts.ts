import {
  endedPhases,
  hasWorkflow,
  runPhasesWithWorkflow,
  type SweepPhase,
  type TrainingSpec,
} from '@murnau/domain';
import { sql, type Transaction } from 'kysely';
import { read, type StoreContext, write } from '../context.js';
import type { OpenQuery, OpenWorkflow, UnstartedQuery } from '../database/open-workflows.js';
import type { Database } from '../database/schema.js';
import { insertEvents } from '../events/event-records.js';
import { insertDecisions } from '../events/decisions.js';
import { cancelledBy, endLocked, type RunEnd } from './end-run.js';
import { lockRun, type RunRow } from './records.js';

/**
 * A run's workflow may be started several times under one id: after a rung, a retry, or when Temporal lost it. Each
 * start has a chain above every one that was started or has claimed the run, so that claims stay in order.
 */

/** Values of a row whose workflow is to be started, or started again. */
export const startAgain = {
  phase: 'queued',
  workflow_started: false,
  workflow_chain: sql<number>`greatest(workflow_chain, claim_chain) + 1`,
  device_mark: null,
} as const;

/** A workflow of a run that was started. */
export interface StartedRun {
  run_id: string;
  chain: number;
}

/** As a table `started (id, chain)`. */
export const startedTable = (started: readonly StartedRun[]) =>
  sql`unnest(${started.map(({ run_id }) => run_id)}::text[], ${started.map(({ chain }) => chain)}::int[]) as started (id, chain)`;

/** The workflow that was started with this chain is open; of an earlier one than the newest it changes nothing. */
export function markRunStarted(store: StoreContext, id: string, chain = 0): Promise<void> {
  return markRunsStarted(store, [{ run_id: id, chain }]);
}

/** Workflows with these chains are open. Of an earlier one than the newest it changes nothing. */
export async function markRunsStarted(store: StoreContext, started: readonly StartedRun[]): Promise<void> {
  if (started.length === 0) return;
  await write(store, async (trx) => {
    const { rows: changed } = await sql<
      Pick<RunRow, 'sweep_id' | 'trial' | 'rung' | 'certified_step'>
    >`update runs set workflow_started = true
      from ${startedTable(started)}
      where runs.id = started.id and not workflow_started and workflow_chain <= started.chain
      returning sweep_id, trial, rung, certified_step`.execute(trx);
    for (const { sweep_id, trial, rung, certified_step } of changed) {
      if (sweep_id === null) continue;
      const from = Math.max(0, certified_step);
      const why = from === 0 ? 'a place is free' : `goes on from step ${from}`;
      await insertDecisions(trx, sweep_id, [
        { kind: 'start', trial, by: 'sweep', why, data: { rung, from_step: from } },
      ]);
    }
  });
}

/** Temporal never heard of the workflow with this chain: another is to be started. */
export async function markRunLost(store: StoreContext, id: string, chain: number): Promise<void> {
  await write(store, async (trx) => {
    const run = await lockRun(trx, id);
    if (!isAtWork(run, chain)) return;
    await trx.updateTable('runs').set(startAgain).where('id', '=', id).execute();
    await insertEvents(trx, [
      { kind: 'restarted', run_id: id, sweep_id: run.sweep_id, data: { cause: 'workflow_lost' } },
    ]);
  });
}

/** The workflow with this chain has closed without storing the end: the run ends, unless it went on meanwhile. */
export async function endAbandonedRun(
  store: StoreContext,
  id: string,
  chain: number,
  end: RunEnd,
): Promise<void> {
  await write(store, async (trx) => {
    const run = await lockRun(trx, id);
    if (isAtWork(run, chain)) await endLocked(trx, run, end);
  });
}

function isAtWork(run: RunRow, chain: number): boolean {
  return run.workflow_started && run.workflow_chain === chain && hasWorkflow(run.phase);
}

/** Ids of runs whose workflow was not started: the one who stored them may have died. Trials are their sweep's. */
export function unstartedRuns(
  store: StoreContext,
  { olderThanMs = 2_000, limit = 100 }: UnstartedQuery = {},
): Promise<string[]> {
  return read(store, async (db) => {
    const rows = await db
      .selectFrom('runs')
      .select('id')
      .where('workflow_started', '=', false)
      .where('sweep_id', 'is', null)
      .where('phase', '=', 'queued')
      .where(sql<boolean>`created_at <= now() - ${olderThanMs} * interval '1 millisecond'`)
      .orderBy('created_at')
      .limit(limit)
      .execute();
    return rows.map(({ id }) => id);
  });
}

/** A run's workflow that should be open. */
interface OpenRunWorkflow extends OpenWorkflow {
  /** Null: not a trial, as the next. */
  sweep_workflow_id: string | null;
  sweep_phase: SweepPhase | null;
}

/** Runs, trials included, whose workflow should be open: after `afterId`, by id. */
export function startedRuns(
  store: StoreContext,
  { afterId = '', limit = 500 }: OpenQuery = {},
): Promise<OpenRunWorkflow[]> {
  return read(store, (db) =>
    db
      .selectFrom('runs')
      .leftJoin('sweeps', 'sweeps.id', 'runs.sweep_id')
      .select(['runs.id', 'runs.workflow_id', 'runs.workflow_chain'])
      .select(['sweeps.workflow_id as sweep_workflow_id', 'sweeps.phase as sweep_phase'])
      .where('runs.id', '>', afterId)
      .where('runs.workflow_started', '=', true)
      .where('runs.phase', 'in', runPhasesWithWorkflow)
      .orderBy('runs.id')
      .limit(limit)
      .execute(),
  );
}

/**
 * Trials that were not started, or wait at a rung, end with their sweep. It ends them itself; a trial that came to its
 * rung at the same moment is found here.
 */
export async function endTrialsOfEndedSweeps(store: StoreContext): Promise<number> {
  return write(store, async (trx) => {
    const found = await trx
      .selectFrom('runs')
      .innerJoin('sweeps', 'sweeps.id', 'runs.sweep_id')
      .select('runs.id')
      .where('sweeps.phase', 'in', endedPhases)
      .where((eb) =>
        eb.or([
          eb('runs.phase', '=', 'waiting'),
          eb.and([eb('runs.phase', '=', 'queued'), eb('runs.workflow_started', '=', false)]),
        ]),
      )
      .limit(200)
      .execute();
    for (const { id } of found) {
      const run = await lockRun(trx, id);
      const isIdle = run.phase === 'waiting' || (run.phase === 'queued' && !run.workflow_started);
      if (isIdle) await endLocked(trx, run, { phase: 'cancelled', failure: cancelledBy('its sweep') });
    }
    return found.length;
  });
}

/** Runs of one statement. */
const runsPerStatement = 1_000;

/** Runs that had ended go on from their newest checkpoints. */
export async function reopenRuns(
  trx: Transaction<Database>,
  runs: readonly {
    readonly id: string;
    /** As it is from now on, and trained to its last step; absent: as it was. */
    readonly spec?: TrainingSpec;
  }[],
): Promise<void> {
  for (let start = 0; start < runs.length; start += runsPerStatement) {
    const some = runs.slice(start, start + runsPerStatement);
    const ids = some.map(({ id }) => id);
    const specs = some.map(({ spec }) => (spec === undefined ? null : JSON.stringify(spec)));
    await sql`
      with reopened as (
        update runs
        set phase = 'queued', workflow_started = false, workflow_chain = greatest(workflow_chain, claim_chain) + 1,
            device_mark = null, failure = null, finished_at = null, early_stop = null, counted_restarts = 0,
            worker_deaths = 0,
            wish = null, wish_by = null, spec = coalesce(changed.spec::json, runs.spec),
            target_step = case when changed.spec is null then target_step end
        from unnest(${ids}::text[], ${specs}::text[]) as changed (id, spec)
        where runs.id = changed.id
        returning runs.id, runs.sweep_id
      )
      insert into events (kind, run_id, sweep_id, data)
      select 'phase', id, sweep_id, '{"phase": "queued"}' from reopened`.execute(trx);
  }
}
