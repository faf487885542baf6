import { randomUUID } from 'node:crypto';
import { expandTrials, parse, sweepFileSchema } from '@murnau/domain';
import type { Sweep, SweepEdit, SweepFileInput } from '@murnau/domain';
import type { SweepTrial } from '@murnau/store';
import type { Harness } from './harness.js';
import { pause } from './harness.js';

/** Waits until it holds; what a test waits for and does not come is its failure. */
export async function until(
  what: string,
  holds: () => Promise<boolean> | boolean,
  timeoutMs = 60_000,
): Promise<void> {
  for (let waited = 0; waited < timeoutMs; waited += 50) {
    if (await holds()) return;
    await pause(50);
  }
  throw new Error(`it never came: ${what}`);
}

export interface SweepUnderTest {
  readonly sweep: Sweep;
  edit(edit: SweepEdit, why?: string): Promise<void>;
  trials(): Promise<SweepTrial[]>;
  /** Number of trials in a phase. */
  count(phase: string): Promise<number>;
  ended(timeoutMs?: number): Promise<Sweep>;
  /** Kinds of decisions, oldest first, with their trials. */
  decisions(kind?: string): Promise<string[]>;
}

/** A sweep of seeds on the fake worker, stored and not started. */
export async function storeSweep(
  { store, starters, datasetId }: Harness,
  values: Partial<SweepFileInput> & { seeds?: number; steps?: number } = {},
): Promise<SweepUnderTest> {
  const { seeds = 5, steps = 60, ...others } = values;
  const spec = parse(
    sweepFileSchema,
    {
      name: 'pairs',
      model: 'fake',
      dataset: datasetId,
      parameters: {
        pair: { values: [{ placeholder: 'sapsan', initializer: 'train' }] },
        seed: { values: Array.from({ length: seeds }, (_, index) => index + 1) },
        max_steps: { value: steps },
      },
      max_concurrent_trials: 2,
      checkpoint: { every_steps: 5 },
      eval: { every_steps: 10 },
      samples: { every_steps: 0, final_count: 0 },
      ...others,
    },
    'sweep file',
  );
  const trials = expandTrials(spec).map(({ dataset, ...trial }) => ({ ...trial, dataset_id: dataset }));
  const sweep = await store.sweeps.create({ owner: 'tester', spec, trials });
  const all = (): Promise<SweepTrial[]> => store.sweeps.trials(sweep.id);
  return {
    sweep,
    edit: (edit, why = '') => starters.editSweep(sweep, edit, { by: 'ann', why, updateId: randomUUID() }),
    trials: all,
    count: async (phase) => (await all()).filter((trial) => trial.phase === phase).length,
    ended: async (timeoutMs = 90_000) => {
      let last = sweep;
      await until(
        'the end of the sweep',
        async () => {
          last = await store.sweeps.get(sweep.id);
          return !['running', 'paused'].includes(last.phase);
        },
        timeoutMs,
      ).catch(() => {
        throw new Error(`has not ended: ${JSON.stringify(last.counts)} ${last.phase}`);
      });
      return last;
    },
    decisions: async (kind) => {
      const { items } = await store.sweeps.decisions(sweep.id, { limit: 200, kind });
      return items.reverse().map(({ kind: what, trial }) => (trial === null ? what : `${what} ${trial}`));
    },
  };
}
