import {
  type Failure,
  type Leaderboard,
  MurnauError,
  type Page,
  type RunPhase,
  type Sweep,
  type SweepFile,
  type SweepPhase,
  sweepWorkflowId,
  type TrainingSpec,
  trialWorkflowId,
} from '@murnau/domain';
import { type Kysely, type Selectable, sql, type Transaction } from 'kysely';
import type { Connection } from './database/connection.js';
import { isUniqueViolation } from './database/failures.js';
import { createOnce, newId } from './database/idempotency.js';
import { cutPage, type PageQuery, readPageQuery } from './database/pages.js';
import type { Database, SweepsTable } from './database/schema.js';
import type { EventHub } from './events/event-hub.js';
import { insertEvents } from './events/event-records.js';
import { toInsert, toRun } from './runs/run-records.js';
import { refuseUnknownDatasets } from './runs/runs.js';

export interface NewTrial {
  /** From 0. */
  trial: number;
  parameters: Readonly<Record<string, string | number | boolean>>;
  dataset_id: string;
  spec: TrainingSpec;
}

export interface NewSweep {
  owner: string;
  spec: SweepFile;
  trials: readonly NewTrial[];
}

export interface SweepQuery extends PageQuery {
  phase?: SweepPhase | undefined;
  owner?: string | undefined;
}

/** As much of a trial as its sweep's workflow decides by. */
export interface SweepTrial {
  run_id: string;
  trial: number;
  workflow_id: string;
  workflow_started: boolean;
  phase: RunPhase;
  best_value: number | null;
}

/** Rows per INSERT: far below the protocol's 65,535 parameters. */
const TRIALS_PER_INSERT = 1_000;

type SweepRow = Selectable<SweepsTable>;

export class Sweeps {
  readonly #connection: Connection;
  readonly #hub: EventHub;

  constructor(connection: Connection, hub: EventHub) {
    this.#connection = connection;
    this.#hub = hub;
  }

  /** The sweep with all its trials, in one transaction; stored, not started. */
  async create(sweep: NewSweep, options: { idempotencyKey?: string | undefined } = {}): Promise<Sweep> {
    const { owner, spec, trials } = sweep;
    const creation = {
      owner,
      scope: 'sweep',
      key: options.idempotencyKey,
      request: { spec, trials },
    } as const;
    const id = await this.#withFreshTrialIds(() =>
      createOnce(this.#connection, creation, async (trx, sweepId) => {
        const workflow_id = sweepWorkflowId(spec.name, sweepId);
        const row = {
          id: sweepId,
          name: spec.name,
          owner,
          phase: 'running',
          spec: JSON.stringify(spec),
          workflow_id,
          failure: null,
        } as const;
        await trx.insertInto('sweeps').values(row).execute();
        await insertTrials(trx, { id: sweepId, owner, spec, workflow_id }, trials);
        await insertEvents(trx, [
          { kind: 'created', sweep_id: sweepId, data: { name: spec.name, trials: trials.length } },
        ]);
      }),
    );
    this.#hub.announce();
    return this.get(id);
  }

  /** Adds trials; those whose number is there already are left as they are. */
  async planTrials(id: string, trials: readonly NewTrial[]): Promise<void> {
    await this.#withFreshTrialIds(() =>
      this.#connection.repeatableTransaction(async (trx) => {
        const sweep = await selectSweep(trx, id);
        await insertTrials(trx, sweep, trials);
      }),
    );
    this.#hub.announce();
  }

  /** @throws `sweep.not_found`, as all that follows */
  get(id: string): Promise<Sweep> {
    return this.#connection.repeatable(async (db) => {
      const row = await selectSweep(db, id);
      return toSweep(row, await summarize(db, [id]));
    });
  }

  /** Newest first. */
  list(query: SweepQuery = {}): Promise<Page<Sweep>> {
    const { before, limit } = readPageQuery(query);
    return this.#connection.repeatable(async (db) => {
      let select = db.selectFrom('sweeps').selectAll().where('seq', '<', before);
      if (query.owner !== undefined) select = select.where('owner', '=', query.owner);
      if (query.phase !== undefined) select = select.where('phase', '=', query.phase);
      const rows = await select
        .orderBy('seq', 'desc')
        .limit(limit + 1)
        .execute();
      const summaries = await summarize(
        db,
        rows.map((row) => row.id),
      );
      return cutPage(rows, limit, (row) => toSweep(row, summaries));
    });
  }

  /** All trials, best certified value of the sweep's metric first; those without one last, in their order. */
  leaderboard(id: string): Promise<Leaderboard> {
    return this.#connection.repeatable(async (db) => {
      const { spec } = await selectSweep(db, id);
      const direction = spec.metric.goal === 'maximize' ? 'desc' : 'asc';
      const rows = await db
        .selectFrom('runs')
        .selectAll()
        .where('sweep_id', '=', id)
        .orderBy('best_value', (order) =>
          direction === 'desc' ? order.desc().nullsLast() : order.asc().nullsLast(),
        )
        .orderBy('trial')
        .execute();
      return { metric: spec.metric.name, goal: spec.metric.goal, runs: rows.map(toRun) };
    });
  }

  /** In their order. */
  trials(id: string): Promise<SweepTrial[]> {
    return this.#connection.repeatable((db) =>
      db
        .selectFrom('runs')
        .select(['id as run_id', 'workflow_id', 'workflow_started', 'phase', 'best_value'])
        .select((eb) => eb.ref('trial').$notNull().as('trial'))
        .where('sweep_id', '=', id)
        .orderBy('trial')
        .execute(),
    );
  }

  /** An ended sweep stays as it ended. */
  async end(
    id: string,
    { phase, failure }: { phase: Exclude<SweepPhase, 'running'>; failure?: Failure | null },
  ): Promise<Sweep> {
    await this.#connection.repeatableTransaction(async (trx) => {
      const changed = await trx
        .updateTable('sweeps')
        .set({ phase, failure: failure ? JSON.stringify(failure) : null, finished_at: sql<Date>`now()` })
        .where('id', '=', id)
        .where('phase', '=', 'running')
        .returning('id')
        .executeTakeFirst();
      if (changed === undefined) return;
      await insertEvents(trx, [
        { kind: 'phase', sweep_id: id, data: { phase, ...(failure ? { failure } : {}) } },
      ]);
    });
    this.#hub.announce();
    return this.get(id);
  }

  /** Stored sweeps whose workflow was not started. */
  unstarted({ olderThanMs = 2_000, limit = 100 }: { olderThanMs?: number; limit?: number } = {}): Promise<
    Sweep[]
  > {
    return this.#connection.repeatable(async (db) => {
      const rows = await db
        .selectFrom('sweeps')
        .selectAll()
        .where('workflow_started', '=', false)
        .where('phase', '=', 'running')
        .where(sql<boolean>`created_at <= now() - ${olderThanMs} * interval '1 millisecond'`)
        .orderBy('created_at')
        .limit(limit)
        .execute();
      const summaries = await summarize(
        db,
        rows.map((row) => row.id),
      );
      return rows.map((row) => toSweep(row, summaries));
    });
  }

  async markStarted(id: string): Promise<void> {
    await this.#connection.repeatable((db) =>
      db.updateTable('sweeps').set({ workflow_started: true }).where('id', '=', id).execute(),
    );
  }

  /** Trial ids are random: a collision with another run's is met by drawing all again. */
  async #withFreshTrialIds<Result>(work: () => Promise<Result>): Promise<Result> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!isUniqueViolation(error, 'runs_pkey')) throw error;
      }
    }
  }
}

async function insertTrials(
  trx: Transaction<Database>,
  sweep: { id: string; owner: string; spec: SweepFile; workflow_id: string },
  trials: readonly NewTrial[],
): Promise<void> {
  await refuseUnknownDatasets(
    trx,
    trials.map((trial) => trial.dataset_id),
  );
  const rows = trials.map(({ trial, parameters, dataset_id, spec }) =>
    toInsert({
      id: newId(),
      name: `${sweep.spec.name}-${String(trial).padStart(2, '0')}`,
      owner: sweep.owner,
      dataset_id,
      spec,
      workflow_id: trialWorkflowId(sweep.workflow_id, trial),
      metric: sweep.spec.metric,
      sweep_id: sweep.id,
      trial,
      parameters,
    }),
  );
  for (let start = 0; start < rows.length; start += TRIALS_PER_INSERT) {
    await trx
      .insertInto('runs')
      .values(rows.slice(start, start + TRIALS_PER_INSERT))
      .onConflict((conflict) => conflict.columns(['sweep_id', 'trial']).doNothing())
      .execute();
  }
}

async function selectSweep(db: Kysely<Database>, id: string): Promise<SweepRow> {
  const row = await db.selectFrom('sweeps').selectAll().where('id', '=', id).executeTakeFirst();
  if (row === undefined) throw new MurnauError('sweep.not_found', `There is no sweep ${id}.`, { given: id });
  return row;
}

interface Summary {
  counts: Record<string, number>;
  trials: number;
  best_run_id: string | null;
}

/** Counts by phase and the best trial of many sweeps, in one query. */
async function summarize(db: Kysely<Database>, ids: readonly string[]): Promise<Map<string, Summary>> {
  if (ids.length === 0) return new Map();
  const { rows } = await sql<{
    sweep_id: string;
    phase: string;
    trials: number;
    best_run_id: string | null;
    merit: number | null;
  }>`
    select sweep_id, phase, count(*) as trials, max(merit) as merit,
           (array_agg(id order by merit desc nulls last, trial) filter (where merit is not null))[1] as best_run_id
    from (
      select sweep_id, phase, id, trial, case metric_goal when 'maximize' then best_value else -best_value end as merit
      from runs where sweep_id = any(${ids}::text[])
    ) as trials
    group by sweep_id, phase`.execute(db);
  const summaries = new Map<string, Summary & { merit: number }>();
  for (const { sweep_id, phase, trials, best_run_id, merit } of rows) {
    const summary = summaries.get(sweep_id) ?? { counts: {}, trials: 0, best_run_id: null, merit: -Infinity };
    summary.counts[phase] = trials;
    summary.trials += trials;
    if (merit !== null && merit > summary.merit) Object.assign(summary, { merit, best_run_id });
    summaries.set(sweep_id, summary);
  }
  return summaries;
}

function toSweep(row: SweepRow, summaries: ReadonlyMap<string, Summary>): Sweep {
  const { id, name, owner, phase, spec, workflow_id, failure } = row;
  const { counts, trials, best_run_id } = summaries.get(id) ?? { counts: {}, trials: 0, best_run_id: null };
  return {
    id,
    name,
    owner,
    phase,
    spec,
    workflow_id,
    trials,
    counts,
    best_run_id,
    failure,
    created_at: row.created_at.toISOString(),
    finished_at: row.finished_at?.toISOString() ?? null,
  };
}
