import {
  datasetSchema,
  leaderboardPageSchema,
  runSchema,
  sweepPlanSchema,
  sweepSchema,
} from '@murnau/domain';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawPicture, model, seedDataset, seedRun, seedSweep, seedWorker, train } from './testing/seed.js';
import { absentTemporal, callsOf, startTestServer, type TestServer } from './testing/test-server.js';

let server: TestServer;
/** What `checkTokens` finds wrong. */
let wordProblem:
  { index: number; code: 'placeholder.known_word'; message: string; field: string } | undefined;

beforeAll(async () => {
  const checkTokens = () => Promise.resolve(wordProblem === undefined ? [] : [wordProblem]);
  server = await startTestServer(absentTemporal({ checkTokens }));
  await seedWorker(server.store);
});
afterAll(() => server.close());

const { call, get, post, upload } = callsOf(() => server);
const words = { placeholder_token: 'sapsan', initializer_token: 'train' };

describe('blobs', () => {
  it('checks a picture, turns it upright, and says what is wrong with one that is none', async () => {
    const turned = await sharp(await drawPicture(1, 1))
      .resize(64, 32)
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer();
    const stored = await upload(turned, 'image/jpeg', '?name=turned.jpg');
    expect(stored.statusCode).toBe(201);
    expect(stored.json()).toMatchObject({ width: 32, height: 64 });
    const wrong = await upload(Buffer.from('not a picture'), 'image/jpeg', '?name=note.jpg');
    expect(wrong.json()).toMatchObject({ code: 'image.unreadable', status: 422, field: 'note.jpg' });
    expect((await upload(Buffer.alloc(0))).statusCode).toBe(422);
  });

  it('serves bytes for ever the same, in parts, and resized', async () => {
    const picture = await drawPicture(2, 1);
    const { hash } = (await upload(picture)).json<{ hash: string }>();
    const url = `/v1/blobs/${hash}`;
    const whole = await get(url);
    expect(whole.rawPayload.equals(picture)).toBe(true);
    expect(whole.headers).toMatchObject({
      etag: `"${hash}"`,
      'content-type': 'image/png',
      'accept-ranges': 'bytes',
    });
    expect(whole.headers['cache-control']).toContain('immutable');
    expect(whole.headers['content-security-policy']).toContain('sandbox');
    const part = await call({ method: 'GET', url, headers: { range: 'bytes=1-3' } });
    expect([part.statusCode, part.rawPayload.toString('latin1')]).toEqual([206, 'PNG']);
    expect(part.headers['content-range']).toBe(`bytes 1-3/${picture.length}`);
    expect(
      (await call({ method: 'GET', url, headers: { range: `bytes=${picture.length}-` } })).statusCode,
    ).toBe(416);
    expect((await call({ method: 'GET', url, headers: { 'if-none-match': `"${hash}"` } })).statusCode).toBe(
      304,
    );
    const head = await call({ method: 'HEAD', url });
    expect([head.statusCode, head.headers['content-length'], head.body]).toEqual([
      200,
      String(picture.length),
      '',
    ]);
    for (const format of ['webp', 'avif', 'png']) {
      const small = await get(`${url}?width=32&format=${format}`);
      expect(small.headers['content-type']).toBe(`image/${format}`);
      expect((await sharp(small.rawPayload).metadata()).width).toBe(64); // the least width that is kept
    }
    expect((await get(`/v1/blobs/${'0'.repeat(64)}`)).json()).toMatchObject({ code: 'blob.not_found' });
    expect((await get('/v1/blobs/..%2f..%2fetc%2fpasswd')).statusCode).toBe(404);
  });

  it('never shows a file that is no picture', async () => {
    const { hash } = (await upload(Buffer.from('<script>'), 'application/octet-stream')).json<{
      hash: string;
    }>();
    expect((await get(`/v1/blobs/${hash}`)).headers).toMatchObject({
      'content-disposition': 'attachment',
      'content-type': 'application/octet-stream',
      'x-content-type-options': 'nosniff',
    });
    expect((await get(`/v1/blobs/${hash}?width=10`)).statusCode).toBe(422);
  });
});

describe('creations', () => {
  it('makes one dataset of the same pictures', async () => {
    const { hash } = (await upload(await drawPicture(3, 1))).json<{ hash: string }>();
    const body = { name: 'one', images: [{ hash, name: '1.png' }] };
    const dataset = datasetSchema.parse((await post('/v1/datasets', body)).json());
    expect(dataset).toMatchObject({ owner: 'ada', images: [{ width: 64, height: 64 }] });
    for (const key of ['k1', 'k2']) {
      expect((await post('/v1/datasets', body, { 'idempotency-key': key })).json()).toEqual(dataset);
    }
    expect((await post('/v1/datasets', { ...body, name: 'two' })).json<{ id: string }>().id).not.toBe(
      dataset.id,
    );
    const missing = { name: 'x', images: [{ hash: '0'.repeat(64), name: '1.png' }] };
    expect((await post('/v1/datasets', missing)).json()).toMatchObject({ code: 'blob.not_found' });
  });

  it('stores a run although Temporal is away, once per key, for the owner of the token', async () => {
    const { id } = await seedDataset(server.store);
    const body = { dataset_id: id, spec: words };
    const first = await post('/v1/runs', body, { 'idempotency-key': 'k1' });
    expect(first.statusCode).toBe(201);
    const run = runSchema.parse(first.json());
    expect(run).toMatchObject({
      phase: 'queued',
      owner: 'ada',
      name: 'sapsan-train',
      spec: { model, max_steps: 200 },
    });
    expect((await post('/v1/runs', body, { 'idempotency-key': 'k1' })).json()).toEqual(run);
    const other = await post('/v1/runs', { ...body, name: 'other' }, { 'idempotency-key': 'k1' });
    expect(other.json()).toMatchObject({ code: 'idempotency.mismatch', status: 409 });
    expect((await post('/v1/runs', { ...body, owner: 'eve' })).json()).toMatchObject({
      code: 'spec.invalid',
      given: 'owner',
    });
  });

  it('checks dataset, model and words before anything is stored', async () => {
    const { id } = await seedDataset(server.store);
    const before = (await get('/v1/runs?limit=1')).json<{ items: unknown[] }>();
    expect((await post('/v1/runs', { dataset_id: 'ffffffff', spec: words })).json()).toMatchObject({
      code: 'dataset.not_found',
    });
    const unknown = await post('/v1/runs', {
      dataset_id: id,
      spec: { ...words, model: 'kandinsky-2.1-smal' },
    });
    expect(unknown.json()).toMatchObject({ code: 'model.not_served', field: 'spec.model', allowed: model });
    expect(unknown.json<{ detail: string }>().detail).toContain(`did you mean "${model}"`);
    const digits = await post('/v1/runs', {
      dataset_id: id,
      spec: { ...words, placeholder_token: 'Sapsan1' },
    });
    expect(digits.json()).toMatchObject({ code: 'placeholder.characters' });
    wordProblem = {
      index: 0,
      code: 'placeholder.known_word',
      message: '"dog" is a known word',
      field: 'spec.placeholder_token',
    };
    const known = await post('/v1/runs', { dataset_id: id, spec: { ...words, placeholder_token: 'dog' } });
    wordProblem = undefined;
    expect(known.json()).toMatchObject({ code: 'placeholder.known_word', field: 'spec.placeholder_token' });
    expect((await get('/v1/runs?limit=1')).json()).toEqual(before);
  });

  it('checks words alone, and embeddings to begin from by model and vectors', async () => {
    const check = (changes: object) =>
      post('/v1/word-checks', { model, words: [words, { ...words, ...changes }] });
    const good = await check({ initializer_t1: 'red train', num_vectors: 2 });
    expect([good.statusCode, good.json()]).toEqual([200, { checked: true }]);
    wordProblem = {
      index: 1,
      code: 'placeholder.known_word',
      message: 'is known',
      field: 'spec.placeholder_token',
    };
    const known = await check({});
    wordProblem = undefined;
    expect(known.json()).toMatchObject({
      code: 'placeholder.known_word',
      field: 'words[1].placeholder_token',
    });
    const dataset = await seedDataset(server.store);
    const run = await seedRun(server.store, dataset.id, { placeholder_token: 'gribnik', max_steps: 25 });
    await train(server.store, run, 25);
    const { embedding_id } = await server.store.runs.get(run.id);
    const from = { initializer_embedding: embedding_id ?? '' };
    expect((await check(from)).statusCode).toBe(200);
    expect((await check({ ...from, num_vectors: 4 })).json()).toMatchObject({
      code: 'spec.invalid',
      field: 'words[1].initializer_embedding',
      given: 'num_vectors 1',
      allowed: 'num_vectors 4',
    });
    const missing = { ...words, initializer_embedding: '00000000' };
    expect((await post('/v1/runs', { dataset_id: dataset.id, spec: missing })).json()).toMatchObject({
      code: 'embedding.not_found',
      field: 'spec.initializer_embedding',
    });
    const values = [{ placeholder: 'sapsan', initializer: 'train', ...from }];
    const spec = {
      name: 'from',
      dataset: dataset.id,
      parameters: { pair: { values }, num_vectors: { values: [1, 2] } },
    };
    expect((await post('/v1/sweeps', { spec })).json()).toMatchObject({
      code: 'spec.invalid',
      field: 'spec.parameters.pair.values[0].initializer_embedding',
      allowed: 'num_vectors 1 to 2',
    });
  });

  it('plans a sweep without storing it, then stores it with its trials', async () => {
    const { id } = await seedDataset(server.store);
    const spec = {
      name: 'pairs',
      dataset: id,
      parameters: {
        pair: {
          values: [
            { placeholder: 'sapsan', initializer: 'train' },
            { placeholder: 'sapsan', initializer: 'bus' },
          ],
        },
        learning_rate_t1: { values: [0.05, 0.1] },
        max_steps: { value: 100 },
      },
    };
    const dry = await post('/v1/sweeps', { spec, dry_run: true });
    expect(dry.statusCode).toBe(200);
    const plan = sweepPlanSchema.parse(dry.json());
    expect(plan).toMatchObject({ steps: 400, pictures: 4 * (2 * 4 + 3 * 16) });
    expect(plan.trials.map(({ parameters }) => parameters['initializer'])).toEqual([
      'train',
      'train',
      'bus',
      'bus',
    ]);
    const made = await post('/v1/sweeps', { spec }, { 'idempotency-key': 's' });
    const sweep = sweepSchema.parse(made.json());
    expect([made.statusCode, sweep.trials, sweep.phase]).toEqual([201, 4, 'running']);
    expect((await post('/v1/sweeps', { spec }, { 'idempotency-key': 's' })).json<{ id: string }>().id).toBe(
      sweep.id,
    );
    const board = leaderboardPageSchema.parse((await get(`/v1/sweeps/${sweep.id}/trials`)).json());
    expect(board.items).toHaveLength(4);
    const wrong = {
      ...spec,
      parameters: {
        ...spec.parameters,
        pair: { values: [{ ...spec.parameters.pair.values[0], dataset: 'nope' }] },
      },
    };
    expect((await post('/v1/sweeps', { spec: wrong })).json()).toMatchObject({
      code: 'dataset.not_found',
      field: 'spec.parameters.pair.values[0].dataset',
    });
    expect((await post('/v1/sweeps', { spec: { ...spec, dataset: './folder' } })).json()).toMatchObject({
      field: 'spec.dataset',
    });
  });

  it('refuses a search without a permitted point, and says what share of any other is forbidden', async () => {
    const { id } = await seedDataset(server.store);
    const searchOf = (batch: number, accumulation: number) => ({
      name: 'product',
      dataset: id,
      method: 'tpe',
      run_cap: 4,
      parameters: {
        pair: { values: [{ placeholder: 'sapsan', initializer: 'train' }] },
        batch_size: { distribution: 'log_int_uniform', min: batch, max: 64 },
        gradient_accumulation_steps: { distribution: 'log_int_uniform', min: accumulation, max: 16 },
      },
    });
    const before = (await server.store.sweeps.list()).items.length;
    const refused = await post('/v1/sweeps', { spec: searchOf(32, 9) });
    expect(refused.statusCode).toBe(422);
    expect(refused.json()).toMatchObject({ code: 'spec.invalid', field: 'parameters' });
    expect(refused.json<{ detail: string }>().detail).toMatch(
      /100 % of 1,000 draws are forbidden: .*256 or less/,
    );
    expect((await server.store.sweeps.list()).items).toHaveLength(before);
    const share = /^\d+(\.\d+)? % of 1,000 draws from the space are forbidden: .*256 or less/;
    const dry = await post('/v1/sweeps', { spec: searchOf(1, 1), dry_run: true });
    expect(sweepPlanSchema.parse(dry.json()).notices).toEqual([expect.stringMatching(share)]);
    const made = sweepSchema.parse((await post('/v1/sweeps', { spec: searchOf(1, 1) })).json());
    expect(made.notices).toEqual([expect.stringMatching(share)]);
    expect((await server.store.sweeps.get(made.id)).notices).toEqual(made.notices);
  });

  it('fixes the embeddings that a generation draws with', async () => {
    const dataset = await seedDataset(server.store);
    const run = await seedRun(server.store, dataset.id, { placeholder_token: 'wumpus', max_steps: 25 });
    await train(server.store, run, 25);
    const { embedding_id } = await server.store.runs.get(run.id);
    const made = await post('/v1/generations', {
      task: 'text2img',
      prompt: 'A photo of a Wumpus, at sea',
      count: 2,
    });
    expect(made.json()).toMatchObject({
      phase: 'queued',
      request: { embedding_ids: [embedding_id], count: 2 },
    });
    const twice = { task: 'text2img', prompt: 'wumpus', embedding_ids: [embedding_id, embedding_id] };
    expect((await post('/v1/generations', twice)).json()).toMatchObject({
      code: 'embedding.placeholder_clash',
    });
    expect(
      (await post('/v1/generations', { task: 'text2img', prompt: 'x', embedding_ids: ['00000000'] })).json(),
    ).toMatchObject({ code: 'embedding.not_found' });
  });
});

describe('results', () => {
  it('shows a trained run in every form', async () => {
    const dataset = await seedDataset(server.store);
    const run = await seedRun(server.store, dataset.id, { max_steps: 50 });
    for (const sheet of ['sheet.png', 'strip.png']) {
      expect((await get(`/v1/runs/${run.id}/${sheet}`)).json()).toMatchObject({ code: 'sample.not_found' });
    }
    await train(server.store, run, 50);
    const losses = (await get(`/v1/runs/${run.id}/metrics?names=eval_loss,eval_gain&after_step=25`)).json<{
      items: unknown[];
    }>();
    expect(losses.items).toMatchObject([
      { step: 50, name: 'eval_gain' },
      { step: 50, name: 'eval_loss' },
    ]);
    const final = (await get(`/v1/runs/${run.id}/samples?kind=final`)).json<{ items: unknown[] }>();
    expect(final.items).toHaveLength(16);
    const log = (await get(`/v1/runs/${run.id}/log`)).json<{ items: { kind: string }[] }>();
    expect(log.items.map(({ kind }) => kind)).toContain('finished');
    for (const sheet of ['sheet.png', 'strip.png']) {
      const answer = await get(`/v1/runs/${run.id}/${sheet}`);
      expect(answer.headers['content-type']).toBe('image/png');
      expect((await sharp(answer.rawPayload).metadata()).width).toBeGreaterThan(100);
    }
    expect(
      (await sharp((await get(`/v1/datasets/${dataset.id}/sheet.png`)).rawPayload).metadata()).format,
    ).toBe('png');
    const { embedding_id } = (await get(`/v1/runs/${run.id}`)).json<{ embedding_id: string }>();
    const file = await get(`/v1/embeddings/${embedding_id}/file`);
    expect(file.headers['content-disposition']).toBe(
      `attachment; filename="sapsan-${embedding_id}.safetensors"`,
    );
    const page = await get(`/runs/${run.id}`);
    for (const text of [
      'Samples over steps',
      '<svg',
      'learnt: ',
      `/v1/embeddings/${embedding_id}/file?format=bin`,
      'workflows/run%2Fsapsan-train%2F',
    ]) {
      expect(page.body).toContain(text);
    }
    expect(page.body).not.toMatch(/<script>|style="|onclick|undefined|NaN|\[object/);
  });

  it('shows a sweep with its best trial first', async () => {
    const dataset = await seedDataset(server.store);
    const sweep = await seedSweep(server.store, dataset.id);
    const runs = await server.store.sweeps.best(sweep.id, 4);
    for (const run of runs.filter(({ trial }) => trial !== 3)) await train(server.store, run, 100);
    const board = leaderboardPageSchema.parse((await get(`/v1/sweeps/${sweep.id}/trials`)).json());
    expect(board.items.map(({ trial }) => trial)).toEqual([0, 1, 2, 3]);
    expect((await get(`/v1/sweeps/${sweep.id}/sheet.png`)).headers['content-type']).toBe('image/png');
    const page = await get(`/sweeps/${sweep.id}`);
    expect(page.body).toMatch(/3 finished/);
    expect(page.body).toContain('The advisor does not answer');
    expect(page.body).not.toMatch(/<script>|style="|undefined|NaN|\[object/);
    expect((await get('/')).body).toContain(`/sweeps/${sweep.id}`);
  });

  it('escapes what people name things', async () => {
    const dataset = await seedDataset(server.store);
    const name = `<img src=x onerror=alert(1)>"'`;
    const { id } = await server.store.runs.create({
      owner: name,
      name,
      dataset_id: dataset.id,
      spec: (await seedRun(server.store, dataset.id)).spec,
    });
    for (const url of [`/runs/${id}`, '/']) expect((await get(url)).body).not.toContain('<img src=x');
  });
});
