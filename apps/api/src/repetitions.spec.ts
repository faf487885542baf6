import type { Starters } from '@murnau/orchestration';
import type { Store } from '@murnau/store';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawPicture, model, seedDataset, seedRun, seedWorker, train } from './testing/seed.js';
import { absentTemporal, callsOf, startTestServer, type TestServer } from './testing/test-server.js';

/** As the starters do where no workflow is open: in the store. */
const inStore = (store: Store): Starters =>
  absentTemporal({
    editSweep: async ({ id }, edit, asked) => store.sweeps.edit(id, { edit, ...asked }),
    editRun: async ({ id }, kind, asked) => void (await store.runs.edit(id, { kind, ...asked })),
    cancelRun: async ({ id }, by, why = '') =>
      void (await store.runs.end(id, { phase: 'cancelled', asked: { by, why } })),
    cancelSweep: async ({ id }, by, why = '') =>
      void (await store.sweeps.end(id, { phase: 'cancelled', asked: { by, why } })),
    cancelGeneration: async ({ id }) => void (await store.generations.end(id, { phase: 'cancelled' })),
    convertEmbedding: async ({ fileHash: hash }) => {
      const learnt = { placeholder_token: 'sapsan', initializer_token: null, num_vectors: 1 };
      return Promise.resolve({ ...learnt, hash, size_bytes: 1, pooling: null, step: 0 });
    },
  });

let server: TestServer;
let datasetId: string;
beforeAll(async () => {
  server = await startTestServer(inStore);
  await seedWorker(server.store);
  datasetId = (await seedDataset(server.store)).id;
});
afterAll(() => server.close());

const { call, post } = callsOf(() => server);
const words = { placeholder_token: 'sapsan', initializer_token: 'train' };
const pair = { values: [{ placeholder: 'sapsan', initializer: 'train' }] };
/** Random, so that it can be extended. */
const sweepFile = () => ({
  name: 'pairs',
  dataset: datasetId,
  method: 'random',
  run_cap: 2,
  parameters: { pair, seed: { distribution: 'int_uniform', min: 0, max: 1000 } },
});

let keys = 0;
const newKey = () => ({ 'idempotency-key': `key-${(keys += 1)}` });

const endedRun = async (): Promise<string> => {
  const run = await seedRun(server.store, datasetId);
  await train(server.store, run, run.spec.max_steps);
  return run.id;
};

/** Everything that creates: a first time, and what then takes away all that the first was checked against. */
const creations: Record<string, () => Promise<[url: string, body: unknown]>> = {
  'a run': () => Promise.resolve(['/v1/runs', { dataset_id: datasetId, spec: words }]),
  'a sweep': () => Promise.resolve(['/v1/sweeps', { spec: sweepFile() }]),
  'a generation': () => Promise.resolve(['/v1/generations', { task: 'text2img', prompt: 'a sapsan' }]),
  'a fork': async () => [`/v1/runs/${await endedRun()}/fork`, { spec: { max_steps: 400 } }],
};

async function withoutWorkers<Result>(work: () => Promise<Result>): Promise<Result> {
  await server.store.workers.heartbeat({
    name: 'worker-0',
    address: '127.0.0.1:7840',
    device: { kind: 'cpu', name: 'A processor', memory_bytes: 1, memory_used_bytes: 0, threads: 1 },
    models: [],
    slots: 4,
    running: 0,
    generating: 0,
    steps_per_second: 0,
    quarantine_reason: null,
  });
  try {
    return await work();
  } finally {
    await seedWorker(server.store);
  }
}

describe('a repeated creation is answered as the first, whatever has changed since', () => {
  it.each(Object.entries(creations))('%s', async (_, prepare) => {
    const [url, body] = await prepare();
    const key = newKey();
    const first = await post(url, body, key);
    expect([first.statusCode, first.body]).toEqual([201, first.body]);
    const { id } = first.json<{ id: string }>();
    // A newer embedding of the word, and no worker that serves the model.
    await endedRun();
    const again = await withoutWorkers(() => post(url, body, key));
    expect([again.statusCode, again.json<{ id: string }>().id]).toEqual([201, id]);
    const other = await post(url, { ...(body as object), name: 'another' }, key);
    expect(other.json()).toMatchObject({
      code: expect.stringMatching(/^(idempotency\.mismatch|spec\.invalid)$/),
    });
  });

  it('an imported embedding, by its bytes', async () => {
    const key = newKey();
    const send = (payload: Buffer) =>
      call({
        method: 'POST',
        url: `/v1/embeddings?model=${model}`,
        payload,
        headers: { 'content-type': 'application/octet-stream', ...key },
      });
    const { id } = (await send(Buffer.from('bytes'))).json<{ id: string }>();
    const again = await withoutWorkers(() => send(Buffer.from('bytes')));
    expect(again.json()).toMatchObject({ id });
    expect((await send(Buffer.from('others'))).json()).toMatchObject({ code: 'idempotency.mismatch' });
  });

  it('a dataset, by its pictures', async () => {
    const { hash } = await server.store.blobs.put(await drawPicture(9, 1), 'image/png');
    const body = { name: 'pictures', images: [{ hash, name: '1.png' }] };
    const { id } = (await post('/v1/datasets', body)).json<{ id: string }>();
    await call({ method: 'DELETE', url: `/v1/datasets/${id}` });
    const anew = (await post('/v1/datasets', body)).json<{ id: string }>();
    expect(anew.id).not.toBe(id);
    expect((await post('/v1/datasets', body)).json()).toMatchObject({ id: anew.id });
  });
});

describe('a repeated edit is no conflict when what it changed has ended meanwhile', () => {
  const endRun = (id: string) => server.store.runs.end(id, { phase: 'failed' });
  const newSweep = async () => (await post('/v1/sweeps', { spec: sweepFile() })).json<{ id: string }>();
  const endSweep = (id: string) => server.store.sweeps.end(id, { phase: 'failed' });

  it.each([
    ['runs', 'pause', {}],
    ['runs', 'stop', {}],
    ['runs', 'cancel', { why: 'enough' }],
    ['sweeps', 'pause', {}],
    ['sweeps', 'stop', {}],
    ['sweeps', 'concurrency', { max_concurrent_trials: 2 }],
    ['sweeps', 'extend', { trials: 1 }],
    ['sweeps', 'pairs', { placeholder: 'kestrel', initializer: 'bird' }],
    ['sweeps', 'trials/0/drop', {}],
    ['sweeps', 'drop', { trials: [0, 1] }],
    ['sweeps', 'cancel', {}],
  ] as const)('POST /v1/%s/…/%s', async (noun, verb, body) => {
    const isRun = noun === 'runs';
    const { id } = isRun ? await seedRun(server.store, datasetId) : await newSweep();
    const url = `/v1/${noun}/${id}/${verb}`;
    const key = newKey();
    const first = await post(url, body, key);
    expect([first.statusCode, first.body]).toEqual([202, first.body]);
    await (isRun ? endRun(id) : endSweep(id));
    expect([verb, (await post(url, body, key)).statusCode]).toEqual([verb, 202]);
    // Under another key it is another request.
    if (verb !== 'cancel' && verb !== 'pairs' && verb !== 'extend') {
      expect([verb, (await post(url, body, newKey())).statusCode]).toEqual([verb, 409]);
    }
    const decisions = isRun ? [] : (await server.store.sweeps.decisions(id)).items;
    expect(decisions.filter(({ by }) => by !== 'sweep').length).toBeLessThanOrEqual(1);
    // The key is of this request only.
    expect((await post(`${url}?`, { ...body, why: 'another' }, key)).json()).toMatchObject({
      code: 'idempotency.mismatch',
    });
  });

  it('nor is one whose answer was never put down', async () => {
    const { id } = await seedRun(server.store, datasetId);
    await server.store.runs.edit(id, { kind: 'pause', by: 'ada', why: '', updateId: 'the-key' });
    await server.store.runs.end(id, { phase: 'failed' });
    const answer = await post(`/v1/runs/${id}/pause`, {}, { 'idempotency-key': 'the-key' });
    expect(answer.statusCode).toBe(202);
  });
});
