import type { Store } from '@murnau/store';
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
