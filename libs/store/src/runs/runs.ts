import {
  type MetricPoint,
  MurnauError,
  type Page,
  type Run,
  type RunPhase,
  runWorkflowId,
  type Sample,
  type SampleKind,
  type TrainingSpec,
} from '@murnau/domain';
import { sql } from 'kysely';
import type { Connection } from '../database/connection.js';
import { createOnce } from '../database/idempotency.js';
import { cutPage, type PageQuery, readPageQuery } from '../database/pages.js';
import type { EventHub } from '../events/event-hub.js';
import { insertEvents } from '../events/event-records.js';
import { type Fork, forkRun } from './fork-run.js';
import { editRun, type RunEdit } from './edit-run.js';
import { type Claim, type ClaimOrder, claimRun } from './claim-run.js';
import { endRun, finishRun, type FinishOptions, type RunEnd, setRunPhase } from './end-run.js';
import type { Progress, ProgressRecorded } from './progress.js';
import { recordProgress } from './record-progress.js';
import { countRestart, recordStarted, type RestartCount, type Started } from './run-history.js';
import { reachRung } from './reach-rung.js';
import { DEFAULT_METRIC, type RunRow, selectRun, toInsert, toRun } from './run-records.js';
import type { OpenQuery } from '../database/open-workflows.js';
import {
  endAbandonedRun,
  endTrialsOfEndedSweeps,
  markRunLost,
  markRunsStarted,
  type OpenRunWorkflow,
  selectOpenRuns,
  type StartedRun,
} from './run-starts.js';

export interface NewRun {
  owner: string;
  /** Default `<placeholder>-<initializer>`. */
  name?: string | undefined;
  dataset_id: string;
  spec: TrainingSpec;
}

export interface RunQuery extends PageQuery {
  owner?: string | undefined;
  phase?: RunPhase | undefined;
  sweep_id?: string | undefined;
  placeholder?: string | undefined;
}

/** What the resource leaves out: who computes the run, and on what. */
export interface RunDetails {
  epoch: number;
  /** Chain with which its workflow was, or is to be, started last. */
  workflow_chain: number;
  workflow_started: boolean;
  /** Newest claim. */
  claim: { chain: number; segment: number };
  wish_by: string | null;
  claimed_by: string | null;
  fingerprint: string | null;
  numerics_changed_at: number[];
  scores: Record<string, number>;
}

export interface StoredCheckpoint {
  step: number;
  epoch: number;
  state_hash: string;
  embedding_hash: string;
  created_at: string;
}

/** Training runs, trials included. Readers of metrics, samples and checkpoints see certified rows only. */
export class Runs {
  readonly #connection: Connection;
  readonly #hub: EventHub;

  constructor(connection: Connection, hub: EventHub) {
    this.#connection = connection;
    this.#hub = hub;
  }

  /** Stored, not started: its workflow is the caller's to start, and the reconciler's if the caller dies. */
  async create(run: NewRun, options: { idempotencyKey?: string | undefined } = {}): Promise<Run> {
    const { owner, dataset_id, spec } = run;
    const name = run.name ?? `${spec.placeholder_token}-${spec.initializer_token}`;
    const creation = { owner, scope: 'run', key: options.idempotencyKey, request: run } as const;
    const id = await createOnce(this.#connection, creation, async (trx, newId) => {
      await refuseUnknownDatasets(trx, [dataset_id]);
      const workflow_id = runWorkflowId(name, newId);
      await trx
        .insertInto('runs')
        .values(toInsert({ id: newId, name, owner, dataset_id, spec, workflow_id, metric: DEFAULT_METRIC }))
        .execute();
      await insertEvents(trx, [{ kind: 'created', run_id: newId, data: { name } }]);
    });
    this.#hub.announce();
    return this.get(id);
  }

  /** @throws `run.not_found`, as all that follows */
  async get(id: string): Promise<Run> {
    return toRun(await this.#connection.repeatable((db) => selectRun(db, id)));
  }

  /** Those of these that there are, in no order. */
  async getMany(ids: readonly string[]): Promise<Run[]> {
    if (ids.length === 0) return [];
    const rows = await this.#connection.repeatable((db) =>
      db.selectFrom('runs').selectAll().where('id', 'in', ids).execute(),
    );
    return rows.map(toRun);
  }

  async details(id: string): Promise<RunDetails> {
    return detailsOf(await this.#connection.repeatable((db) => selectRun(db, id)));
  }

  /** Both at once, of the same moment. */
  async getWithDetails(id: string): Promise<{ run: Run; details: RunDetails }> {
    const row = await this.#connection.repeatable((db) => selectRun(db, id));
    return { run: toRun(row), details: detailsOf(row) };
  }

  /** Newest first. */
  list(query: RunQuery = {}): Promise<Page<Run>> {
    const { before, limit } = readPageQuery(query);
    return this.#connection.repeatable(async (db) => {
      let select = db.selectFrom('runs').selectAll().where('seq', '<', before);
      if (query.owner !== undefined) select = select.where('owner', '=', query.owner);
      if (query.phase !== undefined) select = select.where('phase', '=', query.phase);
      if (query.sweep_id !== undefined) select = select.where('sweep_id', '=', query.sweep_id);
      if (query.placeholder !== undefined) select = select.where('placeholder_token', '=', query.placeholder);
      return cutPage(
        await select
          .orderBy('seq', 'desc')
          .limit(limit + 1)
          .execute(),
        limit,
        toRun,
      );
    });
  }

  /** In the order of steps. */
  metrics(
    id: string,
    query: { names?: readonly string[]; after_step?: number; limit?: number } = {},
  ): Promise<MetricPoint[]> {
    return this.#connection.repeatable(async (db) => {
      const { certified_step } = await selectRun(db, id);
      let select = db
        .selectFrom('metrics')
        .select(['step', 'name', 'value'])
        .where('run_id', '=', id)
        .where('step', '<=', certified_step);
      if (query.after_step !== undefined) select = select.where('step', '>', query.after_step);
      if (query.names !== undefined && query.names.length > 0)
        select = select.where('name', 'in', query.names);
      return select
        .orderBy('step')
        .orderBy('name')
        .limit(query.limit ?? 100_000)
        .execute();
    });
  }

  /** In the order of steps, kinds, positions. */
  samples(
    id: string,
    query: { kind?: SampleKind | undefined; step?: number | undefined } = {},
  ): Promise<Sample[]> {
    return this.#connection.repeatable(async (db) => {
      const { certified_step } = await selectRun(db, id);
      let select = db
        .selectFrom('samples')
        .select(['step', 'kind', 'position', 'prompt', 'seed', 'hash', 'image_alignment'])
        .where('run_id', '=', id)
        .where('step', '<=', certified_step);
      if (query.kind !== undefined) select = select.where('kind', '=', query.kind);
      if (query.step !== undefined) select = select.where('step', '=', query.step);
      return select.orderBy('step').orderBy('kind').orderBy('position').execute();
    });
  }

  /** Samples of many runs at once, for a sweep's contact sheet. */
  samplesOf(
    ids: readonly string[],
    query: { kind?: SampleKind | undefined } = {},
  ): Promise<(Sample & { run_id: string })[]> {
    if (ids.length === 0) return Promise.resolve([]);
    return this.#connection.repeatable((db) => {
      let select = db
        .selectFrom('samples')
        .innerJoin('runs', 'runs.id', 'samples.run_id')
        .select(['run_id', 'samples.step', 'kind', 'position', 'prompt', 'seed', 'hash', 'image_alignment'])
        .where('run_id', 'in', ids)
        .whereRef('samples.step', '<=', 'runs.certified_step');
      if (query.kind !== undefined) select = select.where('kind', '=', query.kind);
      return select.orderBy('run_id').orderBy('samples.step').orderBy('kind').orderBy('position').execute();
    });
  }

  /** Those that are kept, by `checkpoint.keep`, in the order of steps. */
  checkpoints(id: string): Promise<StoredCheckpoint[]> {
    return this.#connection.repeatable(async (db) => {
      const rows = await db
        .selectFrom('checkpoints')
        .selectAll()
        .where('run_id', '=', id)
        .orderBy('step')
        .execute();
      return rows.map(({ step, epoch, state_hash, embedding_hash, created_at }) => ({
        step,
        epoch,
        state_hash,
        embedding_hash,
        created_at: created_at.toISOString(),
      }));
    });
  }

  async claim(id: string, order: ClaimOrder, claimedBy: string): Promise<Claim> {
    return this.#announced(claimRun(this.#connection, id, order, claimedBy));
  }

  async recordStarted(id: string, epoch: number, started: Started): Promise<void> {
    return this.#announced(recordStarted(this.#connection, id, epoch, started));
  }

  async recordProgress(id: string, epoch: number, progress: Progress): Promise<ProgressRecorded> {
    return this.#announced(recordProgress(this.#connection, id, epoch, progress));
  }

  async countRestart(
    id: string,
    epoch: number,
    cause: string,
    options: { counted: boolean },
  ): Promise<RestartCount> {
    return this.#announced(countRestart(this.#connection, id, epoch, cause, options));
  }

  async setPhase(id: string, phase: 'queued' | 'paused'): Promise<void> {
    return this.#announced(setRunPhase(this.#connection, id, phase));
  }

  async finish(id: string, epoch: number, options: FinishOptions = {}): Promise<{ embedding_id: string }> {
    return this.#announced(finishRun(this.#connection, id, epoch, options));
  }

  /** A new run that begins with this one's state. @throws `edit.not_possible`, `spec.invalid` */
  async fork(id: string, fork: Fork, options: { idempotencyKey?: string | undefined } = {}): Promise<Run> {
    return this.get(await this.#announced(forkRun(this.#connection, id, fork, options)));
  }

  /** Puts down what was asked of it. @throws `run.already_ended`, `edit.not_possible` */
  async edit(id: string, edit: RunEdit): Promise<Run> {
    return this.#announced(editRun(this.#connection, id, edit));
  }

  /** It waits where its target was; nothing when it was promoted meanwhile. */
  async reachRung(id: string): Promise<void> {
    return this.#announced(reachRung(this.#connection, id));
  }

  async end(id: string, end: RunEnd, epoch?: number): Promise<Run> {
    return this.#announced(endRun(this.#connection, id, end, epoch));
  }

  /** Stored runs whose workflow was not started: the one who stored them may have died. Trials are their sweep's. */
  unstarted({ olderThanMs = 2_000, limit = 100 }: { olderThanMs?: number; limit?: number } = {}): Promise<
    Run[]
  > {
    return this.#connection.repeatable(async (db) => {
      const rows = await db
        .selectFrom('runs')
        .selectAll()
        .where('workflow_started', '=', false)
        .where('sweep_id', 'is', null)
        .where('phase', '=', 'queued')
        .where(sql<boolean>`created_at <= now() - ${olderThanMs} * interval '1 millisecond'`)
        .orderBy('created_at')
        .limit(limit)
        .execute();
      return rows.map(toRun);
    });
  }

  /** The workflow that was started with this chain is at work; a word that comes too late changes nothing. */
  async markStarted(id: string, chain = 0): Promise<void> {
    return this.markAllStarted([{ run_id: id, chain }]);
  }

  /** The same of many at once. */
  async markAllStarted(started: readonly StartedRun[]): Promise<void> {
    return this.#announced(markRunsStarted(this.#connection, started));
  }

  /** Temporal does not know the workflow that was started with this chain: it is to be started again. */
  async markLost(id: string, chain: number): Promise<void> {
    return this.#announced(markRunLost(this.#connection, id, chain));
  }

  /** Its workflow of this chain has closed without storing the end. */
  async endAbandoned(id: string, chain: number, end: RunEnd): Promise<Run> {
    return this.#announced(endAbandonedRun(this.#connection, id, chain, end));
  }

  /** Runs, trials included, whose workflow should be open: after `afterId`, by id. */
  startedAndOpen({ afterId = '', limit = 500 }: OpenQuery = {}): Promise<OpenRunWorkflow[]> {
    return this.#connection.repeatable((db) => selectOpenRuns(db, { afterId, limit }));
  }

  /** Trials that have no workflow end with their sweep. @returns how many */
  async endTrialsOfEndedSweeps(): Promise<number> {
    return this.#announced(endTrialsOfEndedSweeps(this.#connection));
  }

  async #announced<Result>(write: Promise<Result>): Promise<Result> {
    const result = await write;
    this.#hub.announce();
    return result;
  }
}

function detailsOf(row: RunRow): RunDetails {
  const { epoch, workflow_chain, workflow_started, wish_by } = row;
  const { claim_chain, claim_segment, claimed_by, fingerprint, numerics_changed_at, scores } = row;
  return {
    epoch,
    workflow_chain,
    workflow_started,
    claim: { chain: claim_chain, segment: claim_segment },
    wish_by,
    claimed_by,
    fingerprint,
    numerics_changed_at,
    scores,
  };
}

export async function refuseUnknownDatasets(
  db: Parameters<Parameters<Connection['repeatable']>[0]>[0],
  ids: readonly string[],
): Promise<void> {
  const wanted = [...new Set(ids)];
  if (wanted.length === 0) return;
  const rows = await db.selectFrom('datasets').select('id').where('id', 'in', wanted).execute();
  const known = new Set(rows.map((row) => row.id));
  const unknown = wanted.find((id) => !known.has(id));
  if (unknown !== undefined)
    throw new MurnauError('dataset.not_found', `There is no dataset ${unknown}.`, { given: unknown });
}
