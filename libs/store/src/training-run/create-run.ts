import { type Run, runWorkflowId, type TrainingSpec } from '@murnau/domain';
import type { StoreContext } from '../context.js';
import { createOnce, type Once } from '../database/idempotency.js';
import { refuseUnknownDatasets } from '../datasets.js';
import { insertEvents } from '../events/event-records.js';
import { getRun } from './reads.js';
import { DEFAULT_METRIC, toInsert } from './records.js';

interface NewRun {
  owner: string;
  /** Default `<placeholder>-<initializer>`. */
  name?: string | undefined;
  dataset_id: string;
  spec: TrainingSpec;
}

/** Stored, not started: its workflow is the caller's to start, and the reconciler's if the caller dies. */
export async function createRun(store: StoreContext, run: NewRun, options: Once = {}): Promise<Run> {
  const { owner, dataset_id, spec } = run;
  const name = run.name ?? `${spec.placeholder_token}-${spec.initializer_token}`;
  const creation = {
    owner,
    scope: 'run',
    key: options.idempotencyKey,
    request: options.request ?? run,
  } as const;
  const id = await createOnce(store.connection, creation, async (trx, newId) => {
    await refuseUnknownDatasets(trx, [dataset_id]);
    const workflow_id = runWorkflowId(name, newId);
    await trx
      .insertInto('runs')
      .values(toInsert({ id: newId, name, owner, dataset_id, spec, workflow_id, metric: DEFAULT_METRIC }))
      .execute();
    await insertEvents(trx, [{ kind: 'created', run_id: newId, data: { name } }]);
  });
  store.hub.announce();
  return getRun(store, id);
}
