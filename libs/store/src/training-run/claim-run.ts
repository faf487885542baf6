import { MurnauError, type RunPhase, type TrainingSpec } from '@murnau/domain';
import { sql, type Transaction } from 'kysely';
import { type StoreContext, write } from '../context.js';
import { newToken } from '../database/idempotency.js';
import type { Database } from '../database/schema.js';
import { insertEvents } from '../events/event-records.js';
import { lockRun, refuseEnded, type RunRow } from './records.js';

/** Place of an attempt among all attempts of a run: compared in this order, each number from 0. */
interface ClaimOrder {
  /** Times the run's workflow has continued as new. */
  chain: number;
  segment: number;
  attempt: number;
}

/** A picture to learn from, with what lies beside it. */
interface ClaimedImage {
  hash: string;
  name: string;
  mask_hash: string | null;
  caption: string | null;
}

/** Everything a segment needs to begin. */
export interface Claim {
  run_id: string;
  name: string;
  owner: string;
  sweep_id: string | null;
  /** The fencing number that each later write must carry. */
  epoch: number;
  spec: TrainingSpec;
  images: ClaimedImage[];
  /** The newest stored checkpoint; null: the run begins. */
  resume: { step: number; state_hash: string } | null;
  /** Step of `resume`, 0 without one. */
  acknowledged_step: number;
  phase_before: RunPhase;
}

/**
 * Takes a run over: the next epoch fences every earlier writer, and what they wrote past the newest checkpoint is
 * deleted, since it will be computed again. Whatever the order in which rival claims arrive, the highest one wins.
 * @throws `claim.stale` for a claim that is not above the newest, `run.already_ended`, `run.not_found`
 */
export async function claimRun(
  store: StoreContext,
  runId: string,
  order: ClaimOrder,
  claimedBy: string,
): Promise<Claim> {
  const token = newToken();
  return write(store, async (trx) => {
    const run = await lockRun(trx, runId);
    refuseEnded(run);
    const isRepetition = run.claim_token === token;
    if (!isRepetition && compareClaims(order, orderOf(run)) <= 0) {
      throw new MurnauError(
        'claim.stale',
        `A newer attempt (${describe(orderOf(run))}) holds run ${runId}.`,
        {
          given: describe(order),
          allowed: `above ${describe(orderOf(run))}`,
        },
      );
    }
    // Nobody has written anything yet: most claims of a large sweep are the first.
    const isUntouched = run.epoch === 0 && run.certified_step < 0;
    const resume = isUntouched ? null : await newestCheckpoint(trx, runId);
    const epoch = isRepetition ? run.epoch : run.epoch + 1;
    if (!isRepetition) {
      if (!isUntouched) await deleteUncertified(trx, runId, resume?.step ?? -1);
      await takeOver(trx, run, { epoch, order, token, claimedBy, resumeStep: resume?.step ?? 0 });
    }
    return {
      run_id: runId,
      name: run.name,
      owner: run.owner,
      sweep_id: run.sweep_id,
      epoch,
      spec: run.spec,
      images: await selectImages(trx, run.dataset_id),
      resume,
      acknowledged_step: resume?.step ?? 0,
      phase_before: run.phase,
    };
  });
}

function compareClaims(a: ClaimOrder, b: ClaimOrder): number {
  return a.chain - b.chain || a.segment - b.segment || a.attempt - b.attempt;
}

interface TakeOver {
  epoch: number;
  order: ClaimOrder;
  token: string;
  claimedBy: string;
  resumeStep: number;
}

async function takeOver(
  trx: Transaction<Database>,
  run: RunRow,
  { epoch, order, token, claimedBy, resumeStep }: TakeOver,
): Promise<void> {
  const vanished = hasVanished(run, order);
  await trx
    .updateTable('runs')
    .set({
      epoch,
      claim_chain: order.chain,
      claim_segment: order.segment,
      claim_attempt: order.attempt,
      claim_token: token,
      claimed_by: claimedBy,
      batch_token: null,
      phase: 'running',
      step: resumeStep,
      device_mark: sql<Date>`now()`,
      started_at: run.started_at ?? sql<Date>`now()`,
      ...(vanished && {
        restarts: JSON.stringify({ ...run.restarts, lost: (run.restarts['lost'] ?? 0) + 1 }),
      }),
    })
    .where('id', '=', run.id)
    .execute();
  const about = { run_id: run.id, sweep_id: run.sweep_id };
  await insertEvents(trx, [
    ...(vanished ? [{ ...about, kind: 'restarted', data: { cause: 'lost', epoch: run.epoch } }] : []),
    { ...about, kind: 'claimed', data: { epoch, by: claimedBy, resume_step: resumeStep } },
    ...(run.phase === 'running' ? [] : [{ ...about, kind: 'phase', data: { phase: 'running' } }]),
  ]);
}

/** The same segment is tried again and nobody put down why: its process was killed, or its machine went. */
function hasVanished(run: RunRow, order: ClaimOrder): boolean {
  const isSameSegment = run.claim_chain === order.chain && run.claim_segment === order.segment;
  return isSameSegment && run.phase === 'running' && run.restart_epoch !== run.epoch;
}

async function newestCheckpoint(
  trx: Transaction<Database>,
  runId: string,
): Promise<{ step: number; state_hash: string } | null> {
  const row = await trx
    .selectFrom('checkpoints')
    .select(['step', 'state_hash'])
    .where('run_id', '=', runId)
    .orderBy('step', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row ?? null;
}

async function deleteUncertified(trx: Transaction<Database>, runId: string, step: number): Promise<void> {
  await trx.deleteFrom('metrics').where('run_id', '=', runId).where('step', '>', step).execute();
  await trx.deleteFrom('samples').where('run_id', '=', runId).where('step', '>', step).execute();
  await trx.deleteFrom('events').where('run_id', '=', runId).where('step', '>', step).execute();
}

function selectImages(trx: Transaction<Database>, datasetId: string): Promise<ClaimedImage[]> {
  return trx
    .selectFrom('dataset_images')
    .select(['hash', 'name', 'mask_hash', 'caption'])
    .where('dataset_id', '=', datasetId)
    .orderBy('position')
    .execute();
}

const orderOf = (run: RunRow): ClaimOrder => ({
  chain: run.claim_chain,
  segment: run.claim_segment,
  attempt: run.claim_attempt,
});

const describe = ({ chain, segment, attempt }: ClaimOrder): string =>
  `chain ${chain}, segment ${segment}, attempt ${attempt}`;
