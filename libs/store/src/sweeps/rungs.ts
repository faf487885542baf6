import { targetAfter } from '@murnau/domain';
import { type Kysely, sql, type Transaction } from 'kysely';
import type { Database } from '../database/schema.js';
import { endLocked, publishRun } from '../runs/end-run.js';
import { cancelledBy } from '../runs/edit-run.js';
import { lockRun, type RunRow } from '../runs/run-records.js';
import { toBeStarted } from '../runs/run-starts.js';
import { insertDecisions } from './decisions.js';
import type { SweepRow } from './sweep-records.js';

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

/** Lowest rung first. The answer does not grow with the number of trials. */
export async function selectRungs(
  db: Kysely<Database>,
  sweepId: string,
  limit: number,
): Promise<RungFacts[]> {
  const { rows } = await sql<Contender & { rung: number; reached: number }>`
    with counted as (
      select rung, count(*) as reached from rung_results where sweep_id = ${sweepId} group by rung
    ), ranked as (
      select rung, run_id, trial, value, is_promoted,
             row_number() over (partition by rung order by merit desc, trial) as place
      from rung_results where sweep_id = ${sweepId}
    )
    select counted.rung, counted.reached, best.run_id, best.trial, best.place, best.value
    from counted left join lateral (
      select ranked.run_id, ranked.trial, ranked.place, ranked.value
      from ranked join runs on runs.id = ranked.run_id
      where ranked.rung = counted.rung and not ranked.is_promoted
        and runs.phase = 'waiting' and runs.rung = ranked.rung
      order by ranked.place limit ${limit}
    ) as best on true
    order by counted.rung, best.place`.execute(db);
  const rungs = new Map<number, RungFacts>();
  for (const { rung, reached, run_id, trial, place, value } of rows) {
    const facts = rungs.get(rung) ?? { rung, reached, contenders: [] };
    // Without one that waits, the join leaves its columns empty.
    if ((run_id as string | null) !== null) facts.contenders.push({ run_id, trial, place, value });
    rungs.set(rung, facts);
  }
  return [...rungs.values()];
}

export interface Promotion {
  run_id: string;
  rung: number;
  why: string;
  /** Trains to its last step, past all rungs. */
  toTheEnd?: boolean;
  by?: string;
  data?: Readonly<Record<string, unknown>>;
}

/** Lets trials go on from the rung they wait at. One that does not wait there any more is left as it is. */
export async function promote(
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
      .set({ ...toBeStarted, target_step })
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

export interface IdleEnd {
  early_stop: 'rung' | 'stopped';
  /** Kind of the decision. */
  kind: string;
  why: string;
  /** Trials that were to go on and were not started yet end too. */
  queuedToo: boolean;
}

/**
 * Finishes trials that wait, with the embeddings of the steps they came to; one without any is cancelled. At most
 * `limit` of them. @returns how many
 */
export async function endIdle(
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
