import {
  type Asked,
  type Failure,
  endedPhases,
  type EndedPhase,
  type Finalist,
  type ForbiddenPoint,
  isOpen,
  type Leaderboard,
  type Page,
  type Run,
  type RunPhase,
  type Sweep,
  type SweepDecision,
  type SweepFile,
  type SweepPhase,
  runPhasesWithWorkflow,
  settledPhase,
  sweepWorkflowId,
} from '@murnau/domain';
import { sql, type Transaction } from 'kysely';
import type { Connection } from './database/connection.js';
import { isUniqueViolation } from './database/failures.js';
import { createOnce } from './database/idempotency.js';
import { cutPage, type PageQuery, readPageQuery } from './database/pages.js';
import type { Database } from './database/schema.js';
import type { EventHub } from './events/event-hub.js';
import { insertEvents } from './events/event-records.js';
import { withFreshEmbeddingIds } from './runs/end-run.js';
import { toRun } from './runs/run-records.js';
import type { OpenQuery, OpenWorkflow } from './database/open-workflows.js';
import { type DecisionQuery, insertDecisions, listDecisions } from './sweeps/decisions.js';
import { cancelUnstarted, editSweep, noteSweepEdit, type SweepEditRequest } from './sweeps/edit-sweep.js';
import {
  endIdle,
  type IdleEnd,
  promote,
  type Promotion,
  type RungFacts,
  selectRungs,
} from './sweeps/rungs.js';
import { planFinalists, selectFinalists } from './sweeps/finalists.js';
import { insertTrials, type NewTrial } from './sweeps/insert-trials.js';
import { openGate, passGateByTimer } from './sweeps/gates.js';
import { type FactsQuery, selectFacts, type SweepFacts } from './sweeps/sweep-facts.js';
import { selectCounts } from './sweeps/trial-counts.js';
import {
  isDecidedBy,
  markSweepLost,
  markSweepStarted,
  selectOpen,
  selectUnstarted,
  type UnstartedQuery,
} from './sweeps/sweep-starts.js';
import {
  forbidSuggestion,
  planSuggested,
  selectForbidden,
  selectHistory,
  type TrialHistory,
} from './sweeps/suggestions.js';
import {
  lockSweep,
  selectSweep,
  type SweepRow,
  summarize,
  toSweep,
  unknownSweep,
} from './sweeps/sweep-records.js';

export interface NewSweep {
  owner: string;
  spec: SweepFile;
  trials: readonly NewTrial[];
  /** What its creator is to know of its space. */
  notices?: readonly string[];
}

export interface SweepQuery extends PageQuery {
  phase?: SweepPhase | undefined;
  owner?: string | undefined;
}

/** A trial in short. */
export interface SweepTrial {
  run_id: string;
  trial: number;
  workflow_id: string;
  workflow_chain: number;
  workflow_started: boolean;
  phase: RunPhase;
  best_value: number | null;
}

export class Sweeps {
  readonly #connection: Connection;
  readonly #hub: EventHub;

  constructor(connection: Connection, hub: EventHub) {
    this.#connection = connection;
    this.#hub = hub;
  }

  /** The sweep with all its trials, in one transaction; stored, not started. */
  async create(sweep: NewSweep, options: { idempotencyKey?: string | undefined } = {}): Promise<Sweep> {
    const { owner, spec, trials, notices = [] } = sweep;
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
          max_concurrent_trials: spec.max_concurrent_trials,
          priority: spec.priority,
          notices: JSON.stringify(notices),
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
        .select(['id as run_id', 'workflow_id', 'workflow_chain', 'workflow_started', 'phase', 'best_value'])
        .select((eb) => eb.ref('trial').$notNull().as('trial'))
        .where('sweep_id', '=', id)
        .orderBy('trial')
        .execute(),
    );
  }

  /** The best trials, as the leaderboard has them. */
  best(id: string, limit: number): Promise<Run[]> {
    return this.#connection.repeatable(async (db) => {
      const { spec } = await selectSweep(db, id);
      const order = spec.metric.goal === 'maximize' ? sql`best_value desc` : sql`best_value asc`;
      const rows = await db
        .selectFrom('runs')
        .selectAll()
        .where('sweep_id', '=', id)
        .orderBy(sql`${order} nulls last`)
        .orderBy('trial')
        .limit(limit)
        .execute();
      return rows.map(toRun);
    });
  }

  /** As much as one of its trials is decided by. Not the file: a grid of ten thousand values is long. */
  async brief(id: string): Promise<{ phase: SweepPhase; workflow_id: string }> {
    const row = await this.#connection.repeatable((db) =>
      db.selectFrom('sweeps').select(['phase', 'workflow_id']).where('id', '=', id).executeTakeFirst(),
    );
    if (row === undefined) throw unknownSweep(id);
    return row;
  }

  /** What its next decision is made by; the size of the answer does not grow with the number of trials. */
  facts(id: string, query: FactsQuery = {}): Promise<SweepFacts> {
    return this.#connection.repeatable(async (db) => {
      const facts = await selectFacts(db, id, query);
      if (facts === undefined) throw unknownSweep(id);
      return facts;
    });
  }

  /** Trials whose workflow should be open, after trial `after`, in their order. */
  openTrials(
    id: string,
    { after = -1, limit = 200 }: { after?: number; limit?: number } = {},
  ): Promise<SweepTrial[]> {
    return this.#connection.repeatable((db) =>
      db
        .selectFrom('runs')
        .select(['id as run_id', 'workflow_id', 'workflow_chain', 'workflow_started', 'phase', 'best_value'])
        .select((eb) => eb.ref('trial').$notNull().as('trial'))
        .where('sweep_id', '=', id)
        .where('trial', '>', after)
        .where('workflow_started', '=', true)
        .where('phase', 'in', runPhasesWithWorkflow)
        .orderBy('trial')
        .limit(limit)
        .execute(),
    );
  }

  /** Changes it as somebody asked; once for each update id. @throws `sweep.already_ended`, `edit.not_possible` */
  async edit(id: string, request: SweepEditRequest): Promise<void> {
    await editSweep(this.#connection, id, request);
    this.#hub.announce();
  }

  /** Newest first. */
  async decisions(id: string, query: DecisionQuery = {}): Promise<Page<SweepDecision>> {
    await this.#connection.repeatable((db) => selectSweep(db, id));
    return listDecisions(this.#connection, id, query);
  }

  /** Its rungs, lowest first, each with the best of those that wait there. */
  rungs(id: string, limit = 50): Promise<RungFacts[]> {
    return this.#connection.repeatable((db) => selectRungs(db, id, limit));
  }

  /** Lets trials go on from the rungs they wait at; doing it again changes nothing. */
  async promote(id: string, promotions: readonly Promotion[]): Promise<void> {
    await this.#decide(id, (trx, sweep) => promote(trx, sweep, promotions));
  }

  /** Finishes trials that wait for what does not come. @returns how many, at most `limit` */
  async endIdle(id: string, end: IdleEnd, limit = 50): Promise<number> {
    return withFreshEmbeddingIds(() => this.#decide(id, (trx, sweep) => endIdle(trx, sweep, end, limit)));
  }

  /** Starts nothing more, for a reason of its own; what has no workflow and nothing stored ends. */
  async stopStarting(id: string, reason: string): Promise<void> {
    await this.#decide(id, async (trx, sweep) => {
      if (sweep.stop_reason !== null) return;
      await trx.updateTable('sweeps').set({ stop_reason: reason }).where('id', '=', id).execute();
      const not_started = await cancelUnstarted(trx, id, 'its sweep');
      await insertDecisions(trx, id, [{ kind: 'stop', by: 'sweep', why: reason, data: { not_started } }]);
    });
  }

  /**
   * What its next trials are suggested by, at most a thousand.
   * @param upTo number of the last trial that counts; null: all
   */
  history(
    id: string,
    { upTo = null, longest }: { upTo?: number | null; longest?: number } = {},
  ): Promise<TrialHistory[]> {
    return this.#connection.repeatable(async (db) =>
      selectHistory(db, await selectSweep(db, id), { upTo, longest }),
    );
  }

  /** The newest suggestions that a rule across fields forbids, at most a thousand, oldest first. */
  forbidden(id: string): Promise<ForbiddenPoint[]> {
    return this.#connection.repeatable((db) => selectForbidden(db, id));
  }

  /** Stores that a suggestion is forbidden, and by which rule; nothing when others have been planned meanwhile. */
  async forbidSuggestion(id: string, point: ForbiddenPoint & { readonly rule: string }): Promise<void> {
    await this.#decide(id, (trx, sweep) => forbidSuggestion(trx, sweep, point));
  }

  /** Plans suggested trials; nothing when others have been planned meanwhile. */
  async planSuggested(id: string, trials: readonly NewTrial[], why: string): Promise<void> {
    await this.#withFreshTrialIds(() =>
      this.#decide(id, (trx, sweep) => planSuggested(trx, sweep, trials, why)),
    );
  }

  /** A person may pick from now on who goes on. */
  async openGate(id: string, gate: { rung: number; wait_s: number | null }): Promise<void> {
    await this.#decide(id, (trx, sweep) => openGate(trx, sweep, gate));
  }

  /** Nobody picked in time: these go on. Nothing when a person has picked meanwhile. */
  async passGateByTimer(id: string, picked: { trials: readonly number[]; why: string }): Promise<void> {
    await this.#decide(id, (trx, sweep) => passGateByTimer(trx, sweep, picked));
  }

  /** Plans its best trials again on each seed; once. */
  async planFinalists(id: string, plan: { count: number; seeds: readonly number[] }): Promise<void> {
    await this.#withFreshTrialIds(() =>
      this.#decide(id, async (trx, sweep) => insertTrials(trx, sweep, await planFinalists(trx, sweep, plan))),
    );
  }

  /** Who was trained again on several seeds, best mean first. */
  finalists(id: string): Promise<Finalist[]> {
    return this.#connection.repeatable(async (db) => selectFinalists(db, await selectSweep(db, id)));
  }

  /** Ends it when none of its trials has anything left to do; else it stays as it is. */
  async settle(id: string): Promise<Sweep> {
    await this.#connection.repeatableTransaction(async (trx) => {
      const sweep = await lockSweep(trx, id);
      if (!isOpen(sweep.phase)) return;
      const phase = settledPhase(await selectCounts(trx, id));
      if (phase === undefined) return;
      await writeEnd(trx, sweep, phase, phase === 'failed' ? await selectFirstFailure(trx, id) : null);
    });
    this.#hub.announce();
    return this.get(id);
  }

  /** Ends its trials that were not started or wait at a rung: none of them has a workflow. */
  async cancelIdleTrials(id: string, by: string): Promise<void> {
    await this.#connection.repeatableTransaction(async (trx) => {
      await lockSweep(trx, id);
      await cancelUnstarted(trx, id, by, { waitingToo: true });
    });
    this.#hub.announce();
  }

  /** An ended sweep stays as it ended. Its trials that have no workflow end with it. */
  async end(id: string, end: SweepEnd): Promise<Sweep> {
    await this.#connection.repeatableTransaction(async (trx) => {
      const sweep = await lockSweep(trx, id);
      if (isOpen(sweep.phase)) await endSweep(trx, sweep, end);
    });
    this.#hub.announce();
    return this.get(id);
  }

  /** Its workflow of this chain has closed without storing the end. */
  async endAbandoned(id: string, chain: number, end: SweepEnd): Promise<void> {
    await this.#connection.repeatableTransaction(async (trx) => {
      const sweep = await lockSweep(trx, id);
      if (sweep.workflow_started && sweep.workflow_chain === chain && isOpen(sweep.phase)) {
        await endSweep(trx, sweep, end);
      }
    });
    this.#hub.announce();
  }

  /** Whether any of its trials has not ended. */
  hasOpenTrials(id: string): Promise<boolean> {
    return this.#connection.repeatable(async (db) => {
      const found = await db
        .selectFrom('runs')
        .select('id')
        .where('sweep_id', '=', id)
        .where('phase', 'not in', endedPhases)
        .limit(1)
        .executeTakeFirst();
      return found !== undefined;
    });
  }

  /** Stored sweeps whose workflow was not started. */
  unstarted(query: UnstartedQuery = {}): Promise<Sweep[]> {
    return this.#connection.repeatable((db) => selectUnstarted(db, query));
  }

  /**
   * The workflow that was started with this chain is at work; a word about an earlier one changes nothing.
   * @param runId of the workflow's run that decides from now on
   */
  async markStarted(id: string, chain = 0, runId: string | null = null): Promise<void> {
    await this.#connection.repeatable((db) => markSweepStarted(db, id, chain, runId));
  }

  /** Whether this run of its workflow is the one that decides now. */
  isDecidedBy(id: string, runId: string): Promise<boolean> {
    return this.#connection.repeatable((db) => isDecidedBy(db, id, runId));
  }

  /** Chain with which its workflow is, or was, to be started. */
  async workflowChain(id: string): Promise<number> {
    return (await this.#connection.repeatable((db) => selectSweep(db, id))).workflow_chain;
  }

  /** Temporal does not know the workflow of this chain: it is to be started again. */
  async markLost(id: string, chain: number): Promise<void> {
    await this.#connection.repeatable((db) => markSweepLost(db, id, chain));
  }

  /** Sweeps whose workflow should be open, after `afterId`, by id. */
  startedAndOpen(query: OpenQuery = {}): Promise<OpenWorkflow[]> {
    return this.#connection.repeatable((db) => selectOpen(db, query));
  }

  /** One decision at a time, of a sweep that lives. */
  async #decide<Result>(
    id: string,
    work: (trx: Transaction<Database>, sweep: SweepRow) => Promise<Result>,
  ): Promise<Result> {
    const result = await this.#connection.repeatableTransaction(async (trx) =>
      work(trx, await lockSweep(trx, id)),
    );
    this.#hub.announce();
    return result;
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

export interface SweepEnd {
  phase: EndedPhase;
  failure?: Failure | null;
  /** A person's request. Absent: no person asked. */
  asked?: Asked | undefined;
}

async function endSweep(
  trx: Transaction<Database>,
  sweep: SweepRow,
  { phase, failure = null, asked }: SweepEnd,
): Promise<void> {
  await writeEnd(trx, sweep, phase, failure);
  await cancelUnstarted(trx, sweep.id, asked?.by ?? 'its sweep', { waitingToo: true });
  if (asked !== undefined) await noteSweepEdit(trx, sweep.id, { kind: 'cancel', ...asked });
}

/** Why a sweep failed whose trials all did. */
async function selectFirstFailure(trx: Transaction<Database>, id: string): Promise<Failure | null> {
  const first = await trx
    .selectFrom('runs')
    .select(['trial', 'failure'])
    .where('sweep_id', '=', id)
    .where('phase', '=', 'failed')
    .orderBy('trial')
    .limit(1)
    .executeTakeFirst();
  if (first?.failure == null) return null;
  const message = `No trial has finished; trial ${first.trial} failed: ${first.failure.message}`;
  return { ...first.failure, message };
}

async function writeEnd(
  trx: Transaction<Database>,
  { id }: SweepRow,
  phase: EndedPhase,
  failure: Failure | null,
): Promise<void> {
  const stored = failure === null ? null : JSON.stringify(failure);
  await trx
    .updateTable('sweeps')
    .set({ phase, failure: stored, finished_at: sql<Date>`now()` })
    .where('id', '=', id)
    .execute();
  await insertEvents(trx, [
    { kind: 'phase', sweep_id: id, data: { phase, ...(failure === null ? {} : { failure }) } },
  ]);
}
