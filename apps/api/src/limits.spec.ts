import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultLimits } from './http/limits.js';
import { sheetRoutes } from './routes/sheet-routes.js';
import type { ServerDeps } from './server-deps.js';
import { readEvents } from './testing/read-events.js';
import { drawPicture, model, seedDataset, seedRun, seedWorker } from './testing/seed.js';
import { callsOf, startTestServer, type TestServer } from './testing/test-server.js';

const uploadBytes = 256 * 1024;
let server: TestServer;
let address: string;
beforeAll(async () => {
  const limits = { uploadBytes, streams: 2, pixelSteps: 1e6 };
  server = await startTestServer(undefined, {}, undefined, undefined, limits);
  address = await server.app.listen({ host: '127.0.0.1', port: 0 });
  await seedWorker(server.store);
});
afterAll(() => server.close());

const { get, post, upload } = callsOf(() => server);

describe('streams of events', () => {
  it('are open in a number, of any kind; another is refused until one closes', async () => {
    const run = await seedRun(server.store, (await seedDataset(server.store)).id);
    const { host: _, ...headers } = server.headers;
    const open = () => readEvents(`${address}/v1/runs/${run.id}/events`, headers);
    const [first, second] = [await open(), await open()];
    const { paths } = (await get('/v1/openapi.json')).json<{ paths: Record<string, unknown> }>();
    const streams = Object.keys(paths).filter((path) => path.endsWith('/events'));
    expect(streams.length).toBeGreaterThanOrEqual(3);
    for (const path of streams) {
      const refused = await get(path.replace('{id}', run.id));
      expect([path, refused.statusCode, refused.headers['retry-after']]).toEqual([path, 503, '1']);
      expect(refused.json()).toMatchObject({
        code: 'server.busy',
        detail: 'This server has no room for more streams of events at once.',
      });
    }
    first.close();
    await expect.poll(async () => (await tryOpen(run.id, headers)).status, { timeout: 10_000 }).toBe(200);
    second.close();
  });
});

async function tryOpen(id: string, headers: Record<string, string>): Promise<{ status: number }> {
  const reader = await readEvents(`${address}/v1/runs/${id}/events`, headers);
  reader.close();
  return reader;
}

describe('uploads', () => {
  it('wait, their bodies unread, while others have all the bytes', async () => {
    const content = Buffer.alloc(uploadBytes, 7);
    const half = request(`${address}/v1/blobs`, {
      method: 'POST',
      headers: {
        ...server.headers,
        'content-type': 'application/octet-stream',
        'content-length': content.length,
      },
    });
    const answered: string[] = [];
    const first = new Promise<number>((resolve) =>
      half.on('response', (response) => {
        answered.push('first');
        response.resume();
        resolve(response.statusCode ?? 0);
      }),
    );
    half.write(content.subarray(0, 1_000));
    await expect.poll(async () => (await get('/v1/health')).statusCode).toBe(200);
    await new Promise((done) => setTimeout(done, 100)); // the first has its place
    const second = upload(Buffer.from('small'), 'application/octet-stream').then((answer) => {
      answered.push('second');
      return answer.statusCode;
    });
    await new Promise((done) => setTimeout(done, 200));
    expect(answered).toEqual([]);
    half.end(content.subarray(1_000));
    expect([await first, await second]).toEqual([201, 201]);
    expect(answered).toEqual(['first', 'second']);
  });

  it('give their place back when they break off', async () => {
    for (let number = 0; number < 40; number += 1) {
      const broken = request(`${address}/v1/blobs`, {
        method: 'POST',
        headers: { ...server.headers, 'content-type': 'image/png', 'content-length': uploadBytes },
      });
      broken.on('error', () => undefined);
      broken.write('x');
      setTimeout(() => broken.destroy(), 20);
    }
    expect((await upload(await drawPicture(1, 1))).statusCode).toBe(201);
  });
});

it('every contact sheet and strip takes a place of those that are drawn at once', () => {
  const routes = sheetRoutes({ limits: defaultLimits } as ServerDeps);
  expect(routes.length).toBeGreaterThanOrEqual(5);
  expect(routes.filter(({ takes }) => takes !== 'sheet')).toEqual([]);
});

describe('a generation', () => {
  const draw = (options: object) =>
    post('/v1/generations', { task: 'text2img', model, prompt: 'a cube', ...options });

  it('has a budget of pixels × steps × pictures, and is told what fits', async () => {
    expect((await draw({ count: 2, width: 100, height: 100, num_steps: 50 })).statusCode).toBe(201);
    const refused = await draw({ count: 3, width: 100, height: 100, num_steps: 50 });
    expect(refused.statusCode).toBe(422);
    expect(refused.json()).toMatchObject({
      code: 'generation.too_large',
      field: 'count',
      given: '3 × 100×100 pixels × 50 steps',
      detail:
        '3 × 100×100 pixels × 50 steps are 1.5 million; a generation may have 1 million pixels × steps × pictures.',
      allowed: '1 million pixels × steps × pictures, such as 2 pictures of this size and so many steps',
    });
    const huge = await draw({ count: 1, width: 1000, height: 500, num_steps: 50 });
    expect(huge.json()).toMatchObject({
      allowed: '1 million pixels × steps × pictures, such as 2 steps of one picture of this size',
    });
  });

  it('has the size of the picture that it starts from where it names none', async () => {
    const { hash } = (await upload(await drawPicture(5, 1))).json<{ hash: string }>(); // 64×64
    const from = (num_steps: number) =>
      draw({ task: 'img2img', image: hash, strength: 0.5, count: 1, num_steps });
    expect((await from(244)).statusCode).toBe(201);
    expect((await from(245)).json()).toMatchObject({ given: '1 × 64×64 pixels × 245 steps' });
  });
});
