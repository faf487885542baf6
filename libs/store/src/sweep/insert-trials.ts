import { type SweepFile, targetAfter, type TrainingSpec, trialWorkflowId } from '@murnau/domain';
import type { Transaction } from 'kysely';
import { newId } from '../database/idempotency.js';
import type { Database } from '../database/schema.js';
import { refuseUnknownDatasets } from '../datasets.js';
import { toInsert } from '../training-run/records.js';

export interface NewTrial {
  /** From 0. */
  trial: number;
  parameters: Readonly<Record<string, string | number | boolean>>;
  dataset_id: string;
  spec: TrainingSpec;
  /** Goes to its last step, past all rungs. */
  isWhole?: boolean;
}

/** Rows per INSERT: far below the protocol's 65,535 parameters. */
const TRIALS_PER_INSERT = 1_000;

/** Those whose number is there already are left as they are. */
export async function insertTrials(
  trx: Transaction<Database>,
  sweep: { id: string; owner: string; spec: SweepFile; workflow_id: string },
  trials: readonly NewTrial[],
): Promise<void> {
  await refuseUnknownDatasets(
    trx,
    trials.map((trial) => trial.dataset_id),
  );
  const rows = trials.map(({ trial, parameters, dataset_id, spec, isWhole = false }) =>
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
      priority: sweep.spec.priority,
      target_step: isWhole ? null : targetAfter(sweep.spec.early_terminate, 0, spec.max_steps),
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
