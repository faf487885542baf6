import type { OpenWorkflow, Store } from '@murnau/store';
import type { Client } from '@temporalio/client';
import { mapBounded, presenceOf } from './workflow-presence.js';
import type { Starters } from './create-starters.js';

export interface StartStoredDeps {
  readonly store: Pick<Store, 'runs' | 'sweeps' | 'generations' | 'withLock'>;
  readonly starters: Starters;
}

/** Starts what was stored but not started (its API died between the two). One process at a time; returns how many. */
export async function startStored({ store, starters }: StartStoredDeps): Promise<number> {
  const started = await store.withLock('reconciler', async () => {
    const [runs, sweeps, generations] = await Promise.all([
      store.runs.unstarted(),
      store.sweeps.unstarted(),
      store.generations.unstarted(),
    ]);
    for (const sweep of sweeps) await starters.startSweep(sweep);
    for (const run of runs) await starters.startTrainingRun(run);
    for (const generation of generations) await starters.startGeneration(generation);
    return runs.length + sweeps.length + generations.length;
  });
  return started ?? 0;
}

export interface FindLostDeps {
  readonly store: Pick<Store, 'runs' | 'sweeps' | 'withLock'>;
  readonly client: Client;
}

/** Questions to Temporal at once. */
const concurrency = 5;

/**
 * Finds runs and sweeps that the store believes at work and Temporal never heard of, because it lost its data: they are
 * to be started again. Trials are looked after by their sweeps. Returns how many.
 */
export async function findLost({ store, client }: FindLostDeps): Promise<number> {
  const found = await store.withLock('finding what Temporal lost', async () => {
    const sweeps = await lostOf(client, store.sweeps);
    return sweeps + (await lostOf(client, store.runs));
  });
  return found ?? 0;
}

interface Openable {
  startedAndOpen(query: { afterId?: string }): Promise<OpenWorkflow[]>;
  markLost(id: string, chain: number): Promise<void>;
}

async function lostOf(client: Client, records: Openable): Promise<number> {
  let lost = 0;
  let afterId = '';
  for (;;) {
    const page = await records.startedAndOpen({ afterId });
    const last = page.at(-1);
    if (last === undefined) return lost;
    afterId = last.id;
    await mapBounded(page, concurrency, async ({ id, workflow_id, workflow_chain }) => {
      if ((await presenceOf(client, workflow_id)) !== 'unknown') return;
      await records.markLost(id, workflow_chain);
      lost += 1;
    });
  }
}
