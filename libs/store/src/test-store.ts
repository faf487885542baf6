import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  expandTrials,
  parse,
  type Sample,
  type Sweep,
  sweepFileSchema,
  type SweepFileInput,
  type TrainingSpec,
  type TrainingSpecInput,
  trainingSpecSchema,
} from '@murnau/domain';
import pg from 'pg';
import { inject } from 'vitest';
import { createStore, type Store } from './create-store.js';
import { createTestDatabase } from './postgres/test-postgres.js';

type NewTestSweep = Partial<Omit<SweepFileInput, 'parameters'>> & {
  parameters?: Partial<SweepFileInput['parameters']>;
};

/** For this package's specs: a store on an empty database of a real server. */
export interface TestStore {
  store: Store;
  databaseUrl: string;
  blobDir: string;
  /** Blobs that rows may refer to, by a name. */
  blob(name: string): Promise<string>;
  newDataset(): Promise<string>;
  newRun(spec?: Partial<TrainingSpecInput>): Promise<string>;
  /** One pair, 40 steps a trial, on the store's one dataset; with all its trials. */
  newSweep(file?: NewTestSweep): Promise<Sweep>;
  /** Rows as they are, past the repositories. */
  query<Row extends object>(text: string, values?: unknown[]): Promise<Row[]>;
  close(): Promise<void>;
}

const aPair = {
  pair: { values: [{ placeholder: 'sapsan', initializer: 'train' }] },
  max_steps: { value: 40 },
};

export async function openTestStore(
  databaseUrl?: string,
  blobDir = mkdtempSync(join(tmpdir(), 'murnau-blobs-')),
): Promise<TestStore> {
  const url = databaseUrl ?? (await createTestDatabase(inject('serverUrl')));
  const store = createStore({ databaseUrl: url, blobDir });
  await store.migrate();
  const pool = new pg.Pool({ connectionString: url, max: 2 });
  pool.on('error', () => undefined);
  let dataset: Promise<string> | undefined;
  const blob = async (name: string) =>
    (await store.blobs.put(Buffer.from(name), 'application/octet-stream')).hash;
  const newDataset = async () => {
    const images = [{ hash: await blob('picture'), name: '1.png', width: 64, height: 64 }];
    return (await store.datasets.create({ name: 'things', owner: 'ann', images })).id;
  };
  return {
    store,
    databaseUrl: url,
    blobDir,
    blob,
    newDataset,
    async newRun(spec = {}) {
      dataset ??= newDataset();
      return (await store.runs.create({ owner: 'ann', dataset_id: await dataset, spec: newSpec(spec) })).id;
    },
    async newSweep(file = {}) {
      dataset ??= newDataset();
      const spec = sweepFileSchema.parse({
        name: 'sweep',
        dataset: await dataset,
        ...file,
        parameters: { ...aPair, ...file.parameters },
      });
      const trials = expandTrials(spec).map(({ dataset: dataset_id, ...trial }) => ({
        ...trial,
        dataset_id,
      }));
      return store.sweeps.create({ owner: 'ann', spec, trials });
    },
    async query<Row extends object>(text: string, values: unknown[] = []) {
      return (await pool.query<Row>(text, values)).rows;
    },
    async close() {
      await Promise.all([store.close(), pool.end()]);
      rmSync(blobDir, { recursive: true, force: true });
    },
  };
}

export function newSpec(spec: Partial<TrainingSpecInput> = {}): TrainingSpec {
  return parse(
    trainingSpecSchema,
    { placeholder_token: 'sapsan', initializer_token: 'train', ...spec },
    'training spec',
  );
}

export function newSample(step: number, hash: string, change: Partial<Sample> = {}): Sample {
  return {
    step,
    kind: 'progress',
    position: 0,
    prompt: 'a photo of a sapsan',
    seed: 7,
    hash,
    image_alignment: 0.5,
    ...change,
  };
}
