// The product's own stack in a folder of its own, with simulated workers, for benchmarks of what is around the model.
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expandTrials, parse, sweepFileSchema } from '@murnau/domain';
import { keepLoopbackDirect } from '@murnau/environment';
import { createStarters, createTemporalClient } from '@murnau/orchestration';
import { startStack, stopStack } from '@murnau/stack';
import { createStore } from '@murnau/store';
import pg from 'pg';

export const model = 'simulated';

// The smallest PNG.
const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
);

/**
 * Starts it. @param options of `startStack`, above all `workers`
 * @returns what a benchmark needs; `close` ends and removes all of it
 */
export async function openStage(options = {}) {
  keepLoopbackDirect(process.env);
  const home = await mkdtemp(join(tmpdir(), 'murnau-bench-'));
  await chmod(home, 0o755);
  const stack = await startStack({ home, simulate: true, models: [{ name: model, dir: home }], ...options });
  const store = createStore({ databaseUrl: stack.databaseUrl, blobDir: join(home, 'blobs') });
  const client = createTemporalClient({ address: stack.temporalAddress, namespace: stack.namespace });
  const starters = createStarters({ client, store, galleryUrl: stack.apiUrl });
  const { hash } = await store.blobs.put(png, 'image/png');
  const dataset = await store.datasets.create({
    name: 'one',
    owner: 'bench',
    images: [{ hash, name: 'a.png', width: 1, height: 1 }],
  });
  const database = new pg.Client({ connectionString: stack.databaseUrl });
  await database.connect();
  const close = async () => {
    await Promise.allSettled([client.connection.close(), store.close(), database.end()]);
    await stopStack({ home });
    // What ends last may still write.
    await rm(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 500 });
  };
  // Nothing is left behind when a person ends it; a second word changes nothing.
  let closing;
  const quit = () => (closing ??= close().finally(() => process.exit(130)));
  process.on('SIGINT', quit).on('SIGTERM', quit);
  return {
    home,
    stack,
    store,
    /** For questions that the store does not answer. */
    database,
    client,
    starters,
    datasetId: dataset.id,
    close,
  };
}

/** A sweep of one pair with drawn learning rates, each trial a few steps with one checkpoint; stored, not started. */
export async function storeSweep({ store, datasetId }, { trials, concurrency, steps, model: swept = model }) {
  const spec = parse(
    sweepFileSchema,
    {
      name: 'bench',
      model: swept,
      dataset: datasetId,
      method: 'random',
      run_cap: trials,
      parameters: {
        pair: { values: [{ placeholder: 'sapsan', initializer: 'train' }] },
        learning_rate_t1: { distribution: 'log_uniform', min: 0.0001, max: 0.01 },
        max_steps: { value: steps },
      },
      max_concurrent_trials: concurrency,
      checkpoint: { every_steps: steps },
      eval: { every_steps: steps },
      samples: { every_steps: 0, final_count: 0 },
    },
    'sweep file',
  );
  const planned = expandTrials(spec).map(({ dataset, ...trial }) => ({ ...trial, dataset_id: dataset }));
  return store.sweeps.create({ owner: 'bench', spec, trials: planned });
}

/** Waits until the sweep has ended. @returns its last state */
export async function ended({ store }, sweepId, everyMs = 20) {
  for (;;) {
    const { phase } = await store.sweeps.brief(sweepId);
    if (phase !== 'running' && phase !== 'paused') return store.sweeps.get(sweepId);
    await sleep(everyMs);
  }
}
