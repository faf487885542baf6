import { problemSchema } from '@murnau/domain';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seedDataset, seedRun, seedWorker } from './testing/seed.js';
import { absentTemporal, callsOf, startTestServer, type TestServer } from './testing/test-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer(absentTemporal());
  await seedWorker(server.store);
});
afterAll(() => server.close());

const { call, get, post, upload } = callsOf(() => server);

interface Operation {
  requestBody?: { content: Record<string, unknown> };
}

/** The route table, from our own description of it. */
async function routes(): Promise<{ method: 'GET' | 'POST'; path: string; takesJson: boolean }[]> {
  const { paths } = (await get('/v1/openapi.json')).json<{
    paths: Record<string, Record<string, Operation>>;
  }>();
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, { requestBody }]) => ({
      method: method.toUpperCase() as 'GET' | 'POST',
      path,
      takesJson: requestBody?.content['application/json'] !== undefined,
    })),
  );
}

const refusal = (answer: { statusCode: number; json: () => unknown }) => ({
  status: answer.statusCode,
  code: problemSchema.parse(answer.json()).code,
});
const refused = { status: 422, code: 'spec.invalid' };
const sentence = (answer: { json: () => unknown }) => problemSchema.parse(answer.json()).detail;
const oddText = /must not have \\u[0-9a-f]{4} in it/;

describe('a text that cannot be stored', () => {
  it('is refused by every route in its path, its query and its body', async () => {
    const all = await routes();
    expect(all.length).toBeGreaterThan(40);
    for (const { method, path, takesJson } of all) {
      const plain = path.replaceAll(/\{[a-z]+\}/g, 'x');
      const urls = [
        ...[...path.matchAll(/\{[a-z]+\}/g)].map(([name]) =>
          path.replace(name, 'x%00').replaceAll(/\{[a-z]+\}/g, 'x'),
        ),
        `${plain}?owner=a%00b`,
        `${plain}?owner=%1b`,
      ];
      for (const url of urls) {
        const answer = takesJson ? await post(url, {}) : await call({ method, url });
        expect([method, url, refusal(answer)]).toEqual([method, url, refused]);
        expect(sentence(answer)).toMatch(oddText);
      }
      if (!takesJson) continue;
      for (const text of ['a\u0000b', 'cut \ud83d', 'bell \u0007', 'next line \u0085']) {
        const answer = await post(plain, { why: [text] });
        expect([plain, refusal(answer)]).toEqual([plain, refused]);
        expect(problemSchema.parse(answer.json())).toMatchObject({ field: 'why[0]' });
        expect(sentence(answer)).toMatch(oddText);
      }
    }
  });
});

describe('the path of a page', () => {
  it.each(['/runs/a%00', '/sweeps/%1b', '/generations/a%07'])('%s is refused', async (url) => {
    expect((await get(url)).statusCode).toBe(422);
  });
});

describe('HEAD', () => {
  it('answers as GET does, without a body', async () => {
    for (const url of ['/v1/health', '/v1/runs', '/v1/openapi.json', '/v1/runs/nothing']) {
      const [head, whole] = [await call({ method: 'HEAD', url }), await get(url)];
      expect([url, head.statusCode, head.body]).toEqual([url, whole.statusCode, '']);
    }
  });

  it('of a stream is not answered as a stream', async () => {
    expect((await call({ method: 'HEAD', url: '/v1/runs/x/events' })).statusCode).toBe(405);
  });
});

describe('numbers past what is stored', () => {
  it('are refused', async () => {
    const dataset = await seedDataset(server.store);
    const { id } = await seedRun(server.store, dataset.id, {});
    for (const url of [
      `/v1/runs/${id}/metrics?after_step=2147483648`,
      `/v1/runs/${id}/log?after=9223372036854775808`,
      `/v1/runs/${id}/log?after=1-1`,
      `/v1/runs/${id}/events?after=9223372036854775807`,
      `/v1/runs/${id}/events?after=1-9999999999999999999`,
      // Octal, and not even that.
      `/v1/runs/${id}/log?after=06075756927-22192`,
      `/v1/runs/${id}/events?after=1-01`,
    ])
      expect([url, refusal(await get(url))]).toEqual([url, refused]);
  });

  it('are refused in Last-Event-ID, before the stream is opened', async () => {
    const dataset = await seedDataset(server.store);
    const { id } = await seedRun(server.store, dataset.id, {});
    for (const lastEventId of ['1-9999999999999999999', 'x', '-1', '99999999999999999'])
      expect([
        lastEventId,
        refusal(
          await call({
            method: 'GET',
            url: `/v1/runs/${id}/events`,
            headers: { 'last-event-id': lastEventId },
          }),
        ),
      ]).toEqual([lastEventId, refused]);
  });
});

describe('a file that was not uploaded as a picture', () => {
  it.each([
    ['text', Buffer.from('no picture'), 'text/plain'],
    ['SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), 'application/octet-stream'],
  ])('is refused in a dataset: %s', async (_, content, type) => {
    const { hash } = (await upload(content, type)).json<{ hash: string }>();
    const answer = await post('/v1/datasets', { name: 'odd', images: [{ name: 'a.png', hash }] });
    expect(refusal(answer)).toEqual({ status: 422, code: 'image.unreadable' });
    expect(problemSchema.parse(answer.json())).toMatchObject({ field: 'a.png' });
  });
});
