import { targetAfter } from '@murnau/domain';
import { type Kysely, sql, type Transaction } from 'kysely';
import { read, type StoreContext } from '../context.js';
import type { Database } from '../database/schema.js';
import { cancelledBy, endLocked, publishRun, withFreshEmbeddingIds } from '../training-run/end-run.js';
import { lockRun, type RunRow } from '../training-run/records.js';
import { startAgain } from '../training-run/starts.js';
import { insertDecisions } from '../events/decisions.js';
import { decided } from './decided.js';
import type { SweepRow } from './records.js';

/** A trial that waits at a rung. */
export interface Contender {
  run_id: string;
  trial: number;
  /** From 1, among all that have reached the rung: by the sweep's metric, then by number. */
  place: number;
  /** Null: the metric was not measured. */
  value: number | null;
}

export interface RungFacts {
  /** From 1. */
  rung: number;
  /** Trials that have come to it. */
  reached: number;
  /** The best of those that wait there, best first; at most as many as were asked for. */
  contenders: Contender[];
}

/**
 * Lowest rung first. Neither the answer nor what sorting costs grows with the number of trials: an index has their
 * order, those better than the first contender are counted in it, and only from there to the last are places numbered.
 */
export function rungsOf(store: StoreContext, sweepId: string, limit = 50): Promise<RungFacts[]> {
  return read(store, (db) => selectRungs(db, sweepId, limit));
}

async function selectRungs(db: Kysely<Database>, sweepId: string, limit: number): Promise<RungFacts[]> {
  const { rows } = await sql<Contender & { rung: number; reached: number }>`
    with counted as (
      select rung, count(*) as reached from rung_results where sweep_id = ${sweepId} group by rung
    ), best as (
      select counted.rung, contender.*
      from counted cross join lateral (
        select result.run_id, result.trial, result.value, result.merit
        from rung_results as result join runs on runs.id = result.run_id
        where result.sweep_id = ${sweepId} and result.rung = counted.rung and not result.is_promoted
          and runs.phase = 'waiting' and runs.rung = result.rung
        order by result.merit desc, result.trial limit ${limit}
      ) as contender
    ), span as (
      select rung, max(merit) as top, min(merit) as bottom,
             (array_agg(trial order by merit desc, trial))[1] as first_trial,
             (array_agg(trial order by merit, trial desc))[1] as last_trial
      from best group by rung
    ), placed as (
      select span.rung, among.run_id,
             above.better + row_number() over (partition by span.rung order by among.merit desc, among.trial) as place
      from span cross join lateral (
        select count(*) as better from rung_results
        where sweep_id = ${sweepId} and rung = span.rung and merit >= span.top
          and (merit > span.top or trial < span.first_trial)
      ) as above cross join lateral (
        select run_id, merit, trial from rung_results
        where sweep_id = ${sweepId} and rung = span.rung and merit between span.bottom and span.top
          and (merit < span.top or trial >= span.first_trial)
          and (merit > span.bottom or trial <= span.last_trial)
      ) as among
    )
    select counted.rung, counted.reached, best.run_id, best.trial, placed.place, best.value
    from counted left join best using (rung)
    left join placed on placed.rung = best.rung and placed.run_id = best.run_id
    order by counted.rung, placed.place`.execute(db);
  const rungs = new Map<number, RungFacts>();
  for (const { rung, reached, run_id, trial, place, value } of rows) {
    const facts = rungs.get(rung) ?? { rung, reached, contenders: [] };
    // Without one that waits, the join leaves its columns empty.
    if ((run_id as string | null) !== null) facts.contenders.push({ run_id, trial, place, value });
    rungs.set(rung, facts);
  }
  return [...rungs.values()];
}

interface Promotion {
  run_id: string;
  rung: number;
  why: string;
  /** Trains to its last step, past all rungs. */
  toTheEnd?: boolean;
  by?: string;
  data?: Readonly<Record<string, unknown>>;
}

/** Lets trials go on from the rungs they wait at; doing it again changes nothing. */
export async function promoteTrials(
  store: StoreContext,
  id: string,
  promotions: readonly Promotion[],
): Promise<void> {
  await decided(store, id, (trx, sweep) => promoteLocked(trx, sweep, promotions));
}

/** One that does not wait at its rung any more is left as it is. */
export async function promoteLocked(
  trx: Transaction<Database>,
  sweep: SweepRow,
  promotions: readonly Promotion[],
): Promise<void> {
  for (const { run_id, rung, why, toTheEnd = false, by = 'sweep', data } of promotions) {
    const run = await lockRun(trx, run_id);
    if (run.phase !== 'waiting' || run.rung !== rung) continue;
    const next = targetAfter(sweep.spec.early_terminate, rung, run.spec.max_steps);
    const target_step = toTheEnd ? null : next;
    await trx
      .updateTable('runs')
      .set({ ...startAgain, target_step })
      .where('id', '=', run_id)
      .execute();
    await trx
      .updateTable('rung_results')
      .set({ is_promoted: true })
      .where('sweep_id', '=', sweep.id)
      .where('rung', '=', rung)
      .where('run_id', '=', run_id)
      .execute();
    await insertDecisions(trx, sweep.id, [
      {
        kind: 'promote',
        trial: run.trial,
        by,
        why,
        data: { rung, until_step: target_step ?? run.spec.max_steps, ...data },
      },
    ]);
  }
}

interface IdleEnd {
  early_stop: 'rung' | 'stopped';
  /** Kind of the decision. */
  kind: string;
  why: string;
  /** Trials that were to go on and were not started yet end too. */
  queuedToo: boolean;
}

/** Finishes trials that will never be promoted, at most `limit`. */
export async function endIdleTrials(
  store: StoreContext,
  id: string,
  end: IdleEnd,
  limit = 50,
): Promise<number> {
  const ended = await withFreshEmbeddingIds(() =>
    decided(store, id, (trx, sweep) => endIdle(trx, sweep, end, limit)),
  );
  return ended ?? 0;
}

/**
 * Finishes trials that wait, with the embeddings of the steps they came to; one without any is cancelled. At most
 * `limit` of them. @returns how many
 */
async function endIdle(
  trx: Transaction<Database>,
  sweep: SweepRow,
  { early_stop, kind, why, queuedToo }: IdleEnd,
  limit: number,
): Promise<number> {
  const runs: RunRow[] = await trx
    .selectFrom('runs')
    .selectAll()
    .where('sweep_id', '=', sweep.id)
    .where((eb) =>
      eb.or([
        eb('phase', '=', 'waiting'),
        eb.and([
          eb.val(queuedToo),
          eb('phase', '=', 'queued'),
          eb('workflow_started', '=', false),
          sql<boolean>`wish is distinct from 'pause'`,
        ]),
      ]),
    )
    .orderBy('trial')
    .limit(limit)
    .forNoKeyUpdate()
    .execute();
  for (const run of runs) {
    if (run.certified_step > 0) await publishRun(trx, run, { early_stop });
    else await endLocked(trx, run, { phase: 'cancelled', failure: cancelledBy('its sweep') });
  }
  await insertDecisions(
    trx,
    sweep.id,
    runs.map(({ trial, rung, certified_step }) => ({
      kind,
      trial,
      by: 'sweep',
      why,
      data: { rung, step: Math.max(0, certified_step) },
    })),
  );
  return runs.length;
}
