import { expandTrials, type Sample, type Sweep, sweepFileSchema } from '@murnau/domain';
import type { Store } from '@murnau/store';
import { drawPicture, owner } from './seed.js';

/** Large sweeps, stored as a stack would have stored them; by the store's own commands, without Temporal. */

const steps = 4;
/** Runs that are written at once. */
const atOnce = 8;

export async function seedLargeSweep(store: Store, datasetId: string, trials: number): Promise<Sweep> {
  const spec = sweepFileSchema.parse({
    name: `of-${trials}`,
    dataset: datasetId,
    method: 'random',
    run_cap: trials,
    parameters: {
      pair: { values: [{ placeholder: 'sapsan', initializer: 'train' }] },
      learning_rate_t1: { distribution: 'log_uniform', min: 0.0001, max: 0.01 },
      learning_rate_t2: { distribution: 'log_uniform', min: 0.0001, max: 0.01 },
      max_steps: { value: steps },
    },
    checkpoint: { every_steps: steps },
    eval: { every_steps: steps },
    samples: { every_steps: steps, final_count: 1 },
  });
  const planned = expandTrials(spec).map(({ dataset, ...trial }) => ({ ...trial, dataset_id: dataset }));
  const sweep = await store.sweeps.create({ owner, spec, trials: planned });
  await store.sweeps.markStarted(sweep.id);
  return sweep;
}

/** Claims these trials, trains each to its end, and publishes it. */
export async function finishTrials(store: Store, runIds: readonly string[]): Promise<void> {
  const { hash } = await store.blobs.put(await drawPicture(1, 1), 'image/png');
  const sampleOf = (kind: Sample['kind'], position: number): Sample => {
    const about = { prompt: 'a photo of sapsan', seed: position, hash, image_alignment: 0.5 };
    return { step: steps, kind, position, ...about };
  };
  const samples = [sampleOf('progress', 0), sampleOf('progress', 1), sampleOf('final', 0)];
  const waiting = [...runIds];
  const finish = async (): Promise<void> => {
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
      const { epoch } = await store.runs.claim(id, { chain: 0, segment: 0, attempt: 0 }, 'dispatcher-0');
      const value = (Number.parseInt(id, 16) % 1_000) / 1_000;
      const metrics = Array.from({ length: steps }, (_, step) => ({
        step: step + 1,
        name: 'train_loss',
        value: 1 / (step + 1),
      }));
      await store.runs.recordProgress(id, epoch, {
        metrics: [...metrics, { step: steps, name: 'eval_gain', value }],
        samples,
        checkpoint: { step: steps, state_hash: hash, embedding_hash: hash },
      });
      await store.runs.finish(id, epoch, {});
    }
  };
  await Promise.all(Array.from({ length: atOnce }, finish));
}
