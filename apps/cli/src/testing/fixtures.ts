import {
  embeddingSchema,
  generationRequestSchema,
  generationSchema,
  runSchema,
  sweepFileSchema,
  sweepSchema,
  trainingSpecSchema,
  workerSchema,
} from '@murnau/domain';
import type { Embedding, Generation, GenerationRequestInput, Run, Sweep, Worker } from '@murnau/domain';

const time = '2026-01-02T03:04:05Z';

/** A run that the domain accepts. */
export function aRun(changes: Partial<Run> & { initializer?: string } = {}): Run {
  const { initializer = 'fish', ...others } = changes;
  const run: Run = {
    id: '7f3a91c2',
    name: `oktavo-${initializer}`,
    owner: 'ada',
    phase: 'running',
    spec: trainingSpecSchema.parse({
      placeholder_token: 'oktavo',
      initializer_token: initializer,
      max_steps: 100,
    }),
    dataset_id: '5f0c11aa',
    sweep_id: null,
    trial: null,
    parameters: {},
    workflow_id: 'run/oktavo-fish/7f3a91c2',
    step: 0,
    certified_step: 0,
    metrics: {},
    best: null,
    rung: 0,
    target_step: 100,
    early_stop: null,
    wish: null,
    priority: 3,
    device_s: 0,
    judgement: null,
    forked_from: null,
    restarts: {},
    worker_deaths: 0,
    embedding_id: null,
    failure: null,
    created_at: time,
    started_at: time,
    finished_at: null,
    ...others,
  };
  return runSchema.parse(run);
}

export function anEmbedding(changes: Partial<Embedding> = {}): Embedding {
  return embeddingSchema.parse({
    id: 'eb000001',
    placeholder_token: 'oktavo',
    initializer_token: 'fish',
    model: 'kandinsky-2.1-small',
    num_vectors: 1,
    pooling: 'eot',
    step: 100,
    published: 'averaged',
    run_id: '7f3a91c2',
    source: 'run',
    owner: 'ada',
    hash: 'h',
    scores: {},
    created_at: time,
    ...changes,
  });
}

export function aSweep(changes: Partial<Sweep> = {}): Sweep {
  return sweepSchema.parse({
    id: '19c20d3e',
    name: 'octopus',
    owner: 'ada',
    phase: 'running',
    spec: sweepFileSchema.parse({
      name: 'octopus',
      dataset: '5f0c11aa',
      parameters: {
        pair: {
          values: [
            { placeholder: 'oktavo', initializer: 'fish' },
            { placeholder: 'oktavo', initializer: 'cat' },
          ],
        },
        max_steps: { value: 100 },
      },
    }),
    workflow_id: 'sweep/octopus/19c20d3e',
    trials: 2,
    counts: {},
    best_run_id: null,
    max_concurrent_trials: 4,
    priority: 3,
    stop_reason: null,
    gate: null,
    notices: [],
    device_s: 0,
    failure: null,
    created_at: time,
    finished_at: null,
    ...changes,
  });
}

/** Trial n of the sweep above. */
export function aTrial(trial: number, changes: Partial<Run> = {}): Run {
  const initializer = trial === 0 ? 'fish' : 'cat';
  return aRun({
    id: `0000000${trial}`,
    initializer,
    sweep_id: '19c20d3e',
    trial,
    parameters: { placeholder: 'oktavo', initializer },
    workflow_id: `sweep/octopus/19c20d3e/trial-0${trial}`,
    ...changes,
  });
}

/** A finished generation of two pictures. */
export function aGeneration(
  request: GenerationRequestInput,
  changes: Partial<Omit<Generation, 'request'>> = {},
): Generation {
  return generationSchema.parse({
    id: '6e000001',
    owner: 'ada',
    phase: 'finished',
    request: generationRequestSchema.parse(request),
    progress: 1,
    images: [0, 1].map((position) => ({ position, seed: 7 + position, hash: `h${position}` })),
    notices: [],
    preview_hash: null,
    produced_by: null,
    failure: null,
    created_at: time,
    finished_at: null,
    ...changes,
  });
}

/** A worker that serves the small model. */
export function aWorker(changes: Partial<Worker> = {}): Worker {
  return workerSchema.parse({
    name: 'worker-0',
    address: '127.0.0.1:7840',
    state: 'online',
    reason: null,
    device: { kind: 'cpu', name: 'x86_64', memory_bytes: 1, memory_used_bytes: 1, threads: 1 },
    models: [
      {
        name: 'kandinsky-2.1-small',
        family: 'kandinsky-2.1',
        fingerprint: 'f'.repeat(64),
        image_size: 64,
        towers: [
          { name: 't1', width: 64, vocabulary_rms: 1 },
          { name: 't2', width: 48 },
        ],
        loaded: true,
        judge: '',
        dtype: 'float32',
        tasks: ['train'],
        parts: [],
        sampling: null,
      },
    ],
    slots: 4,
    running: 0,
    generating: 0,
    steps_per_second: 0,
    last_seen_at: time,
    ...changes,
  });
}
