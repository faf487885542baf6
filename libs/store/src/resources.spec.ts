import {
  type Generation,
  generationRequestSchema,
  parse,
  type SweepFile,
  sweepFileSchema,
  expandTrials,
} from '@murnau/domain';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestStore, newSpec, type TestStore } from './test-store.js';

let test: TestStore;
let dataset: string;
beforeAll(async () => {
  test = await openTestStore();
  dataset = await test.newDataset();
});
afterAll(() => test.close());

const pairs = ['train', 'locomotive'].map((initializer) => ({ placeholder: 'sapsan', initializer }));

function sweepFile(change: object = {}): SweepFile {
  const parameters = {
    pair: { values: pairs },
    learning_rate_t2: { values: [0.1, 0.2] },
    learning_rate_t1: { value: 0.3 },
  };
  return parse(sweepFileSchema, { name: 'sapsan pairs', dataset, parameters, ...change }, 'sweep file');
}

const plan = (file: SweepFile) =>
  expandTrials(file).map(({ trial, parameters, spec }) => ({ trial, parameters, spec, dataset_id: dataset }));

async function newSweep(change: object = {}, owner = 'ann') {
  const spec = sweepFile(change);
  return test.store.sweeps.create({ owner, spec, trials: plan(spec) });
}

async function trainTrial(runId: string, gain: number) {
  const { epoch } = await test.store.runs.claim(runId, { chain: 0, segment: 0, attempt: 1 }, 'worker');
  const hash = await test.blob('state');
  await test.store.runs.recordProgress(runId, epoch, {
    metrics: [{ step: 1, name: 'eval_gain', value: gain }],
    checkpoint: { step: 1, state_hash: hash, embedding_hash: hash },
  });
}

describe('sweeps', () => {
  it('are stored with all their trials, in the order of their numbers', async () => {
    const sweep = await newSweep();
    expect(sweep).toMatchObject({
      name: 'sapsan pairs',
      phase: 'running',
      trials: 4,
      counts: { queued: 4 },
      best_run_id: null,
      workflow_id: `sweep/sapsan-pairs/${sweep.id}`,
    });
    const trials = await test.store.sweeps.trials(sweep.id);
    expect(trials.map(({ trial, workflow_id }) => [trial, workflow_id])).toEqual(
      [0, 1, 2, 3].map((trial) => [trial, `sweep/sapsan-pairs/${sweep.id}/trial-0${trial}`]),
    );
    const run = await test.store.runs.get(trials[3]!.run_id);
    expect(run).toMatchObject({
      sweep_id: sweep.id,
      trial: 3,
      parameters: { initializer: 'locomotive', learning_rate_t2: 0.2 },
      owner: 'ann',
      dataset_id: dataset,
    });
  });

  it("keep the order of keys, which is the order of a grid's axes", async () => {
    const sweep = await newSweep();
    expect(expandTrials(sweep.spec)).toEqual(expandTrials(sweepFile()));
    expect(Object.keys(sweep.spec.parameters)).toEqual(['pair', 'learning_rate_t2', 'learning_rate_t1']);
  });

  it('take trials once, however often they are planned', async () => {
    const sweep = await newSweep({ parameters: { pair: { values: pairs } } });
    const more = plan(sweepFile());
    await test.store.sweeps.planTrials(sweep.id, more);
    await test.store.sweeps.planTrials(sweep.id, more);
    expect((await test.store.sweeps.trials(sweep.id)).map(({ trial }) => trial)).toEqual([0, 1, 2, 3]);
  });

  it.each([
    ['maximize', [1, 3, 0, 2]],
    ['minimize', [3, 1, 0, 2]],
  ] as const)('rank certified values to %s, trials without one last', async (goal, order) => {
    const sweep = await newSweep({ metric: { goal } });
    const trials = await test.store.sweeps.trials(sweep.id);
    await trainTrial(trials[1]!.run_id, 0.4);
    await trainTrial(trials[3]!.run_id, 0.2);
    const { items: runs } = await test.store.sweeps.leaderboard(sweep.id);
    expect(runs.map(({ trial }) => trial)).toEqual(order);
    const { best_run_id, counts } = await test.store.sweeps.get(sweep.id);
    expect(best_run_id).toBe(runs[0]!.id);
    expect(counts).toEqual({ queued: 2, running: 2 });
  });

  it('end once', async () => {
    const sweep = await newSweep();
    await test.store.sweeps.end(sweep.id, { phase: 'cancelled' });
    expect(await test.store.sweeps.end(sweep.id, { phase: 'finished' })).toMatchObject({
      phase: 'cancelled',
    });
    await expect(test.store.sweeps.get('00000000')).rejects.toMatchObject({ code: 'sweep.not_found' });
  });

  it('with thousands of trials are stored in one go', async () => {
    const spec = newSpec();
    const trials = Array.from({ length: 3_000 }, (_, trial) => ({
      trial,
      parameters: {},
      spec,
      dataset_id: dataset,
    }));
    const before = Date.now();
    const sweep = await test.store.sweeps.create({ owner: 'many', spec: sweepFile(), trials });
    expect(sweep.trials).toBe(3_000);
    expect(Date.now() - before).toBeLessThan(20_000);
  });
});

describe('lists', () => {
  it('give each run once over all pages, newest first, while others are created', async () => {
    const owner = 'carol';
    const created: string[] = [];
    const create = async () => {
      created.push((await test.store.runs.create({ owner, dataset_id: dataset, spec: newSpec() })).id);
    };
    for (let count = 0; count < 7; count += 1) await create();
    const wanted = [...created].reverse();
    const seen: string[] = [];
    let cursor: string | null | undefined;
    do {
      const page = await test.store.runs.list({ owner, limit: 3, cursor: cursor ?? undefined });
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.next_cursor;
      await create();
    } while (cursor !== null);
    expect(seen).toEqual(wanted);
  });

  it('filter by phase, sweep and placeholder', async () => {
    const sweep = await newSweep({}, 'dan');
    const [first] = await test.store.sweeps.trials(sweep.id);
    await test.store.runs.end(first!.run_id, { phase: 'failed' });
    await test.newRun({ placeholder_token: 'lastochka' });
    const count = async (query: object) => (await test.store.runs.list(query)).items.length;
    expect(await count({ sweep_id: sweep.id })).toBe(4);
    expect(await count({ sweep_id: sweep.id, phase: 'failed' })).toBe(1);
    expect(await count({ placeholder: 'lastochka' })).toBe(1);
    expect((await test.store.sweeps.list({ owner: 'dan' })).items.map(({ id }) => id)).toEqual([sweep.id]);
  });

  it.each(['nonsense', Buffer.from('p-x').toString('base64url')])('refuse the cursor %s', async (cursor) => {
    await expect((async () => test.store.runs.list({ cursor }))()).rejects.toMatchObject({
      code: 'page.invalid_cursor',
    });
  });
});

describe('creation', () => {
  it('with the same key gives the same run; another request with it is refused', async () => {
    const request = { owner: 'eve', dataset_id: dataset, spec: newSpec() };
    const together = await Promise.all(
      Array.from({ length: 5 }, () => test.store.runs.create(request, { idempotencyKey: 'k' })),
    );
    expect(new Set(together.map(({ id }) => id)).size).toBe(1);
    const other = { ...request, spec: newSpec({ seed: 1 }) };
    await expect(test.store.runs.create(other, { idempotencyKey: 'k' })).rejects.toMatchObject({
      code: 'idempotency.mismatch',
    });
    const stranger = await test.store.runs.create({ ...other, owner: 'mallory' }, { idempotencyKey: 'k' });
    expect(stranger.id).not.toBe(together[0]!.id);
  });

  it('names what is missing', async () => {
    await expect(
      test.store.runs.create({ owner: 'ann', dataset_id: '00000000', spec: newSpec() }),
    ).rejects.toMatchObject({ code: 'dataset.not_found' });
    const images = [{ hash: 'f'.repeat(64), name: '1.png', width: 64, height: 64 }];
    await expect(test.store.datasets.create({ name: 'x', owner: 'ann', images })).rejects.toMatchObject({
      code: 'blob.not_found',
    });
  });
});

describe('what was stored but not started', () => {
  it("is found until it is marked; trials are their sweep's business", async () => {
    const run = await test.newRun();
    const sweep = await newSweep();
    const generation = await newGeneration();
    const now = { olderThanMs: 0, limit: 1_000 };
    const unstarted = async () => [
      await test.store.runs.unstarted(now),
      await test.store.sweeps.unstarted(now),
      await test.store.generations.unstarted(now),
    ];
    expect(await unstarted()).toEqual([
      expect.arrayContaining([run]),
      expect.arrayContaining([sweep.id]),
      [generation.id],
    ]);
    const trials = (await test.store.sweeps.trials(sweep.id)).map(({ run_id }) => run_id);
    expect((await unstarted())[0]).not.toEqual(expect.arrayContaining(trials));
    expect(await test.store.runs.unstarted({ olderThanMs: 60_000 })).toEqual([]);
    await Promise.all([
      test.store.runs.markStarted(run),
      test.store.sweeps.markStarted(sweep.id),
      test.store.generations.markStarted(generation.id),
    ]);
    const after = await unstarted();
    expect(after[0]).not.toContain(run);
    expect(after[1]).not.toContain(sweep.id);
    expect(after[2]).toEqual([]);
  });
});

async function newGeneration(): Promise<Generation> {
  const request = parse(
    generationRequestSchema,
    { task: 'text2img', prompt: 'a photo of sapsan' },
    'request',
  );
  return test.store.generations.create({ owner: 'ann', request });
}

describe('generations', () => {
  it('gather pictures in their places, and stay as they ended', async () => {
    const { id } = await newGeneration();
    const hash = await test.blob('generated');
    await test.store.generations.setProgress(id, 0.5);
    for (const position of [1, 0, 1])
      await test.store.generations.recordImage(id, { position, seed: position, hash });
    await test.store.generations.end(id, { phase: 'finished' });
    await test.store.generations.setProgress(id, 0.1);
    const generation = await test.store.generations.end(id, { phase: 'cancelled' });
    expect(generation).toMatchObject({
      phase: 'finished',
      progress: 1,
      images: [{ position: 0 }, { position: 1 }],
    });
    expect((await test.store.generations.list({ owner: 'ann' })).items).toContainEqual(generation);
  });
});

describe('generations from pictures', () => {
  const request = (image: string, mask: string) =>
    parse(generationRequestSchema, { task: 'inpaint', prompt: 'a hat', image, mask }, 'request');

  it('keep their inputs and newest preview from being collected, and nothing older', async () => {
    const [image, mask] = [await test.blob('an input'), await test.blob('a mask')];
    const { id } = await test.store.generations.create({ owner: 'ann', request: request(image, mask) });
    const [first, second] = [await test.blob('preview 1'), await test.blob('preview 2')];
    for (const hash of [first, second]) {
      await test.store.generations.setPreview(id, { position: 0, seed: 0, hash });
    }
    await test.store.blobs.collectGarbage(0);
    expect(await test.store.blobs.has([image, mask, first, second])).toEqual(new Set([image, mask, second]));
    expect(await test.store.generations.end(id, { phase: 'finished' })).toMatchObject({ preview_hash: null });
    await test.store.blobs.collectGarbage(0);
    expect(await test.store.blobs.has([image, mask, second])).toEqual(new Set([image, mask]));
  });

  it('are refused while an input is missing', async () => {
    const missing = 'e'.repeat(64);
    const creation = test.store.generations.create({
      owner: 'ann',
      request: request(await test.blob('an input'), missing),
    });
    await expect(creation).rejects.toMatchObject({ code: 'blob.not_found', given: missing });
  });

  it('say what drew them and each notice once', async () => {
    const { id, produced_by } = await newGeneration();
    expect(produced_by).toBeNull();
    const producer = { model_fingerprint: 'm', numeric_fingerprint: 'n', worker_version: '1' };
    await test.store.generations.recordProducer(id, producer);
    for (const notice of ['cut "a"', 'other', 'cut "a"']) await test.store.generations.addNotice(id, notice);
    expect(await test.store.generations.get(id)).toMatchObject({
      notices: ['cut "a"', 'other'],
      produced_by: producer,
    });
  });
});

describe('embeddings', () => {
  it('are found by id, and the newest of each placeholder by model', async () => {
    const hash = await test.blob('embedding');
    const imported = {
      initializer_token: null,
      model: 'm',
      num_vectors: 1,
      pooling: 'argmax' as const,
      step: 0,
      owner: 'ann',
      hash,
    };
    await test.store.embeddings.create({ ...imported, placeholder_token: 'sapsan' });
    const newest = await test.store.embeddings.create({ ...imported, placeholder_token: 'sapsan' });
    const other = await test.store.embeddings.create({ ...imported, placeholder_token: 'octo' });
    await test.store.embeddings.create({ ...imported, placeholder_token: 'octo', model: 'n' });
    const found = await test.store.embeddings.newest('m', ['sapsan', 'octo', 'unknown']);
    expect(found.map(({ id }) => id).sort()).toEqual([newest.id, other.id].sort());
    expect(await test.store.embeddings.getMany([other.id, 'ffffffff', newest.id])).toEqual([other, newest]);
    expect((await test.store.embeddings.list({ model: 'm', placeholder: 'sapsan' })).items).toHaveLength(2);
  });
});

describe('workers', () => {
  it('are online, quarantined or offline', async () => {
    const worker = {
      address: '127.0.0.1:7840',
      device: { kind: 'cpu', name: 'cpu', memory_bytes: 1e12, memory_used_bytes: 5e11, threads: 2 },
      models: [],
      slots: 4,
      running: 1,
      generating: 0,
      steps_per_second: 3.5,
      quarantine_reason: null,
    };
    await test.store.workers.heartbeat({ ...worker, name: 'worker-0' });
    await test.store.workers.heartbeat({ ...worker, name: 'worker-0', running: 2 });
    await test.store.workers.heartbeat({
      ...worker,
      name: 'worker-1',
      quarantine_reason: 'three runs failed',
    });
    await test.store.workers.heartbeat({ ...worker, name: 'worker-2' });
    await test.query(`update workers set last_seen_at = now() - interval '1 minute' where name = 'worker-2'`);
    const workers = await test.store.workers.list();
    expect(workers.map(({ name, state, reason }) => [name, state, reason])).toEqual([
      ['worker-0', 'online', null],
      ['worker-1', 'quarantined', 'three runs failed'],
      ['worker-2', 'offline', null],
    ]);
    expect(workers[0]).toMatchObject({ running: 2, device: worker.device });
    await test.store.workers.remove('worker-2');
    expect(await test.store.workers.list()).toHaveLength(2);
  });
});
