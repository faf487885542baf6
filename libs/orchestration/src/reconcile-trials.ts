import { toStoredFailure } from '@murnau/contracts';
import type { Store } from '@murnau/store';
import type { Client } from '@temporalio/client';
import { mapBounded, presenceOf } from './workflow-presence.js';

export interface ReconcileTrialsDeps {
  readonly store: Pick<Store, 'runs' | 'sweeps'>;
  readonly client: Client;
}

/** Calls to Temporal at once. */
const concurrency = 10;

/**
 * Compares the store with Temporal, page by page: a trial whose workflow was ended from outside has ended; one that
 * Temporal never heard of (its data was lost) is to be started again. Only trials that should be at work are looked at,
 * and there are never more of them than the sweep's window holds.
 */
export async function reconcileTrials(
  { store, client }: ReconcileTrialsDeps,
  sweepId: string,
): Promise<void> {
  let after = -1;
  for (;;) {
    const trials = await store.sweeps.openTrials(sweepId, { after });
    if (trials.length === 0) return;
    after = trials.at(-1)?.trial ?? after;
    await mapBounded(trials, concurrency, async ({ run_id, workflow_id, workflow_chain }) => {
      const presence = await presenceOf(client, workflow_id);
      if (presence === 'unknown') await store.runs.markLost(run_id, workflow_chain);
      if (presence !== 'closed') return;
      const message = 'Its workflow was ended from outside.';
      const failure = toStoredFailure({ code: 'run.cancelled', message });
      await store.runs.endAbandoned(run_id, workflow_chain, failure);
    });
  }
}
