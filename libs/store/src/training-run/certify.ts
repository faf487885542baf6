import type { Transaction } from 'kysely';
import type { Database } from '../database/schema.js';
import type { CheckpointRecord } from './progress.js';
import type { RunRow } from './records.js';

interface Certified {
  step: number;
  /** For the run's row. */
  changes: {
    certified_step?: number;
    metrics?: string;
    best_step?: number;
    best_value?: number;
    worker_deaths?: number;
  };
}

/** Stores a checkpoint, makes what it certifies readable, and lets superseded checkpoints go. */
export async function certify(
  trx: Transaction<Database>,
  run: RunRow,
  epoch: number,
  { step, state_hash, embedding_hash }: CheckpointRecord,
): Promise<Certified> {
  if (step <= run.certified_step) return { step: run.certified_step, changes: {} };
  await trx
    .insertInto('checkpoints')
    .values({ run_id: run.id, step, epoch, state_hash, embedding_hash })
    .execute();
  const fresh = await trx
    .selectFrom('metrics')
    .select(['step', 'name', 'value'])
    .where('run_id', '=', run.id)
    .where('step', '>', run.certified_step)
    .where('step', '<=', step)
    .orderBy('step')
    .execute();
  // Only values of this very step: a best without its checkpoint could not be published.
  const best = bestOf(
    run,
    fresh.find((metric) => metric.name === run.metric_name && metric.step === step),
  );
  if (run.spec.checkpoint.keep !== 'all') await prune(trx, run.id, step, best?.best_step);
  const newest = Object.fromEntries(fresh.map(({ name, value }) => [name, value]));
  return {
    step,
    changes: {
      certified_step: step,
      metrics: JSON.stringify({ ...run.metrics, ...newest }),
      // Step 0 is stored before anything is trained.
      ...(step > 0 && { worker_deaths: 0 }),
      ...best,
    },
  };
}

/**
 * The newest stays, which is where everything resumes; the best; and those at rungs, from which a trial may be forked
 * when its sweep is looked at. Their files go with the next collection of what nothing refers to.
 */
async function prune(
  trx: Transaction<Database>,
  runId: string,
  newest: number,
  best: number | undefined,
): Promise<void> {
  await trx
    .deleteFrom('checkpoints')
    .where('run_id', '=', runId)
    .where('step', '<', newest)
    .where('step', '!=', best ?? -1)
    .where('step', 'not in', (db) => db.selectFrom('rung_results').select('step').where('run_id', '=', runId))
    .execute();
}

type Best = { best_step: number; best_value: number };

/** The earliest of equals, so that a best once named stays. */
function bestOf(run: RunRow, candidate: { step: number; value: number } | undefined): Best | undefined {
  const { best_step, best_value, metric_goal } = run;
  const before = best_step === null || best_value === null ? undefined : { best_step, best_value };
  if (candidate === undefined) return before;
  const isBetter =
    before === undefined ||
    (metric_goal === 'maximize' ? candidate.value > before.best_value : candidate.value < before.best_value);
  return isBetter ? { best_step: candidate.step, best_value: candidate.value } : before;
}
