import { type Sweep, type SweepFile, sweepWorkflowId } from '@murnau/domain';
import { type StoreContext, write } from '../context.js';
import { isUniqueViolation } from '../database/failures.js';
import { createOnce, type Once } from '../database/idempotency.js';
import { insertEvents } from '../events/event-records.js';
import { insertTrials, type NewTrial } from './insert-trials.js';
import { getSweep } from './reads.js';
import { selectSweep } from './records.js';

interface NewSweep {
  owner: string;
  spec: SweepFile;
  trials: readonly NewTrial[];
  /** What its creator is to know of its space. */
  notices?: readonly string[];
}

/** The sweep with all its trials, in one transaction; stored, not started. */
export async function createSweep(store: StoreContext, sweep: NewSweep, options: Once = {}): Promise<Sweep> {
  const { owner, spec, trials, notices = [] } = sweep;
  const creation = {
    owner,
    scope: 'sweep',
    key: options.idempotencyKey,
    request: options.request ?? { spec, trials },
  } as const;
  const id = await withFreshTrialIds(() =>
    createOnce(store.connection, creation, async (trx, sweepId) => {
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
  store.hub.announce();
  return getSweep(store, id);
}

/** Adds trials; those whose number is there already are left as they are. */
export async function planTrials(
  store: StoreContext,
  id: string,
  trials: readonly NewTrial[],
): Promise<void> {
  await withFreshTrialIds(() =>
    write(store, async (trx) => insertTrials(trx, await selectSweep(trx, id), trials)),
  );
}

/** Trial ids are random: a collision with another run's is met by drawing all again. */
export async function withFreshTrialIds<Result>(work: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isUniqueViolation(error, 'runs_pkey')) throw error;
    }
  }
}
