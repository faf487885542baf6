import {
  type Asked,
  type EarlyStop,
  type EndedPhase,
  errorRegistry,
  type Failure,
  isEnded,
  MurnauError,
  type Publication,
} from '@murnau/domain';
import { sql, type Transaction } from 'kysely';
import { type StoreContext, write } from '../context.js';
import { isUniqueViolation } from '../database/failures.js';
import { newId } from '../database/idempotency.js';
import type { Database } from '../database/schema.js';
import { insertEvents } from '../events/event-records.js';
import { noteRunEdit } from './note-run-edit.js';
import { lockClaimedRun, lockRun, refuseEnded, refuseFenced, type RunRow } from './records.js';

interface FinishOptions {
  /** Why before its last step. */
  early_stop?: EarlyStop | null;
  /** Default: the newest certified evaluations and alignments. */
  scores?: Readonly<Record<string, number>>;
}

/**
 * Publishes a run's newest embedding (its worker has put those rows there that the spec publishes) with its scores, and
 * ends the run, in one transaction. Doing it again changes nothing.
 * @throws `claim.fenced`, `run.already_ended` (failed, cancelled), `checkpoint.corrupt` without any checkpoint
 */
export async function finishRun(
  store: StoreContext,
  runId: string,
  epoch: number,
  options: FinishOptions = {},
): Promise<{ embedding_id: string }> {
  return withFreshEmbeddingIds(() =>
    write(store, async (trx) => {
      const run = await lockClaimedRun(trx, runId, epoch);
      if (run.phase === 'finished' && run.embedding_id !== null) return { embedding_id: run.embedding_id };
      refuseEnded(run);
      return { embedding_id: await publishRun(trx, run, options) };
    }),
  );
}

/** Embedding ids are random: a collision is met by drawing again. */
export async function withFreshEmbeddingIds<Result>(work: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isUniqueViolation(error, 'embeddings_pkey')) throw error;
    }
  }
}

/** Publishes a locked run and ends it as finished. @returns its embedding's id */
export async function publishRun(
  trx: Transaction<Database>,
  run: RunRow,
  { early_stop = null, scores }: FinishOptions = {},
): Promise<string> {
  const embeddingId = newId();
  const published = await publishedOf(trx, run);
  const finalScores = scores ?? scoresOf({ ...run.metrics, ...published.evaluation });
  await insertEmbedding(trx, run, embeddingId, published, finalScores);
  await writeEnd(trx, run, {
    phase: 'finished',
    embedding_id: embeddingId,
    scores: JSON.stringify(finalScores),
    early_stop,
  });
  await insertEvents(trx, [
    {
      kind: 'finished',
      run_id: run.id,
      sweep_id: run.sweep_id,
      data: { embedding_id: embeddingId, ...(early_stop === null ? {} : { early_stop }) },
    },
  ]);
  return embeddingId;
}

export interface RunEnd {
  phase: 'failed' | 'cancelled';
  failure?: Failure | null;
  /** Whose wish it was, for the record. Absent: nobody's. */
  asked?: Asked | undefined;
}

/**
 * Ends a run without a result. The next epoch fences whoever still computes it. An ended run stays as it ended.
 * @param epoch absent: whoever holds the run (the workflow's own word)
 */
export async function endRun(
  store: StoreContext,
  runId: string,
  { asked, ...end }: RunEnd,
  epoch?: number,
): Promise<void> {
  await write(store, async (trx) => {
    const run = await lockRun(trx, runId);
    if (isEnded(run.phase)) return;
    if (epoch !== undefined) refuseFenced(run, epoch);
    await endLocked(trx, run, end);
    if (asked !== undefined) await noteRunEdit(trx, run, { kind: 'cancel', ...asked });
  });
}

export const cancelledBy = (by: string): Failure => ({
  code: 'run.cancelled',
  message: `Cancelled by ${by}.`,
  next_step: errorRegistry['run.cancelled'].nextStep,
});

/** Ends a locked run without a result. */
export async function endLocked(
  trx: Transaction<Database>,
  run: RunRow,
  { phase, failure }: { phase: 'failed' | 'cancelled'; failure?: Failure | null },
): Promise<void> {
  await writeEnd(trx, run, {
    phase,
    epoch: run.epoch + 1,
    failure: failure ? JSON.stringify(failure) : null,
  });
}

/** Waiting again, or paused; a pause fences whoever still computes. */
export async function setRunPhase(
  store: StoreContext,
  runId: string,
  phase: 'queued' | 'paused',
): Promise<void> {
  await write(store, async (trx) => {
    const run = await lockRun(trx, runId);
    refuseEnded(run);
    if (run.phase === phase) return;
    const epoch = phase === 'paused' ? run.epoch + 1 : run.epoch;
    const changes = { phase, epoch, device_mark: null };
    await trx.updateTable('runs').set(changes).where('id', '=', runId).execute();
    await insertEvents(trx, [{ kind: 'phase', run_id: runId, sweep_id: run.sweep_id, data: { phase } }]);
  });
}

interface EndChanges {
  phase: EndedPhase;
  epoch?: number;
  failure?: string | null;
  embedding_id?: string;
  scores?: string;
  early_stop?: EarlyStop | null;
}

async function writeEnd(trx: Transaction<Database>, run: RunRow, changes: EndChanges): Promise<void> {
  await trx
    .updateTable('runs')
    .set({ ...changes, finished_at: sql<Date>`now()`, device_mark: null, wish: null, wish_by: null })
    .where('id', '=', run.id)
    .execute();
  const failure = changes.failure ? { failure: JSON.parse(changes.failure) as unknown } : {};
  await insertEvents(trx, [
    { kind: 'phase', run_id: run.id, sweep_id: run.sweep_id, data: { phase: changes.phase, ...failure } },
  ]);
}

interface Published {
  /** Which rows the newest checkpoint's embedding holds. */
  name: Publication;
  /** Step of those rows; undefined: the checkpoint's. */
  step?: number;
  /** What they were evaluated with, where that is not the newest evaluation. */
  evaluation?: Record<string, number>;
}

/** By the worker's own rule, from the same values: the earliest of the lowest losses; before any evaluation, the average. */
async function publishedOf(trx: Transaction<Database>, run: RunRow): Promise<Published> {
  const { publish } = run.spec;
  if (publish !== 'best') return { name: publish };
  const best = await trx
    .selectFrom('metrics')
    .select('step')
    .where('run_id', '=', run.id)
    .where('name', '=', 'eval_loss')
    .where('step', '<=', run.certified_step)
    .orderBy('value')
    .orderBy('step')
    .limit(1)
    .executeTakeFirst();
  if (best === undefined) return { name: 'averaged' };
  const evaluated = await trx
    .selectFrom('metrics')
    .select(['name', 'value'])
    .where('run_id', '=', run.id)
    .where('step', '=', best.step)
    .where('name', 'like', 'eval\\_%')
    .execute();
  return {
    name: 'best',
    step: best.step,
    evaluation: Object.fromEntries(evaluated.map(({ name, value }) => [name, value])),
  };
}

async function insertEmbedding(
  trx: Transaction<Database>,
  run: RunRow,
  id: string,
  published: Published,
  scores: Readonly<Record<string, number>>,
): Promise<void> {
  const checkpoint = await trx
    .selectFrom('checkpoints')
    .select(['step', 'embedding_hash'])
    .where('run_id', '=', run.id)
    .where('step', '=', run.certified_step)
    .executeTakeFirst();
  if (checkpoint === undefined) {
    throw new MurnauError('checkpoint.corrupt', `Run ${run.id} has no checkpoint to publish.`, {
      given: String(run.certified_step),
    });
  }
  const { placeholder_token, initializer_token, model, num_vectors, pooling } = run.spec;
  await trx
    .insertInto('embeddings')
    .values({
      id,
      placeholder_token,
      initializer_token,
      model,
      num_vectors,
      pooling: pooling ?? null,
      step: published.step ?? checkpoint.step,
      published: published.name,
      run_id: run.id,
      source: 'run',
      owner: run.owner,
      hash: checkpoint.embedding_hash,
      scores: JSON.stringify(scores),
    })
    .execute();
}

function scoresOf(metrics: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(metrics).filter(([name]) => /^eval_|_alignment$/.test(name)));
}
