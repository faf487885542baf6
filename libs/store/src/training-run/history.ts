import { goesAlone } from '@murnau/domain';
import { type StoreContext, write } from '../context.js';
import { insertEvents } from '../events/event-records.js';
import { lockClaimedRun } from './records.js';

export interface Started {
  /** Numeric fingerprint of the worker and the spec. */
  fingerprint: string;
  model_fingerprint: string;
  /** Step it goes on from. */
  step: number;
  loading_s: number;
}

/** The run is on a device. Another numeric fingerprint than before is put down: the bytes may differ from here on. */
export async function recordStarted(
  store: StoreContext,
  runId: string,
  epoch: number,
  started: Started,
): Promise<void> {
  await write(store, async (trx) => {
    const run = await lockClaimedRun(trx, runId, epoch);
    const about = { run_id: runId, sweep_id: run.sweep_id };
    const hasChanged =
      run.fingerprint !== null && run.fingerprint !== started.fingerprint && started.step > 0;
    const changedAt = hasChanged ? [...run.numerics_changed_at, started.step] : run.numerics_changed_at;
    await trx
      .updateTable('runs')
      .set({ fingerprint: started.fingerprint, numerics_changed_at: JSON.stringify(changedAt) })
      .where('id', '=', runId)
      .execute();
    await insertEvents(trx, [
      { ...about, kind: 'started', data: { ...started } },
      ...(hasChanged ? [{ ...about, kind: 'numerics_changed', data: { step: started.step } }] : []),
    ]);
  });
}

interface RestartCount {
  restarts: Record<string, number>;
  /** Those that count against `max_restarts`. */
  counted: number;
  /** False: the run should be given up. */
  allowed: boolean;
  /** Times in a row that the worker's process ended under it. */
  deaths: number;
}

/**
 * Puts down why an attempt ended, at most once per epoch, however often it is said.
 * @param options.counted against `max_restarts`
 * @param options.died the worker's process ended under the run
 */
export async function countRestart(
  store: StoreContext,
  runId: string,
  epoch: number,
  cause: string,
  { counted, died = false }: { counted: boolean; died?: boolean },
): Promise<RestartCount> {
  return write(store, async (trx) => {
    const run = await lockClaimedRun(trx, runId, epoch);
    const isNew = run.restart_epoch !== epoch;
    const restarts = isNew ? { ...run.restarts, [cause]: (run.restarts[cause] ?? 0) + 1 } : run.restarts;
    const total = run.counted_restarts + (isNew && counted ? 1 : 0);
    const deaths = run.worker_deaths + (isNew && died ? 1 : 0);
    if (isNew) {
      await trx
        .updateTable('runs')
        .set({
          restarts: JSON.stringify(restarts),
          counted_restarts: total,
          worker_deaths: deaths,
          restart_epoch: epoch,
        })
        .where('id', '=', runId)
        .execute();
      const about = { run_id: runId, sweep_id: run.sweep_id };
      const isFirstAlone = goesAlone(deaths) && !goesAlone(run.worker_deaths);
      await insertEvents(trx, [
        { ...about, kind: 'restarted', data: { cause, epoch, counted } },
        ...(isFirstAlone ? [{ ...about, kind: 'alone', data: { worker_deaths: deaths } }] : []),
      ]);
    }
    return { restarts, counted: total, allowed: total <= run.spec.max_restarts, deaths };
  });
}
