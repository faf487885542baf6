import { readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { problemSchema } from '@murnau/domain';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seedDataset, seedRun, seedWorker } from './testing/seed.js';
import { absentTemporal, callsOf, startTestServer, type TestServer, token } from './testing/test-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer(absentTemporal());
  await seedWorker(server.store);
});
afterAll(() => server.close());

const { call, get, post } = callsOf(() => server);
const words = { placeholder_token: 'sapsan', initializer_token: 'train' };

describe('trust', () => {
  it('answers health and its description to anyone, all else to the holder of the token', async () => {
    const anyone = { host: '127.0.0.1:7800' };
    expect((await server.app.inject({ url: '/v1/health', headers: anyone })).json()).toMatchObject({
      status: 'ok',
    });
    expect((await server.app.inject({ url: '/v1/openapi.json', headers: anyone })).statusCode).toBe(200);
    for (const url of [
      '/v1/info',
      '/v1/runs',
      '/v1/blobs/x',
      '/v1/runs/x/events',
      '/',
      '/workers',
      '/nowhere',
    ]) {
      const answer = await server.app.inject({ url, headers: anyone });
      expect([url, answer.statusCode]).toEqual([url, 401]);
    }
  });

  it('refuses foreign names and origins before anything else, whatever the token', async () => {
    for (const headers of [
      { host: 'evil.example' },
      { origin: 'http://evil.example' },
      { 'sec-fetch-site': 'cross-site' },
    ]) {
      const answer = await call({ method: 'GET', url: '/v1/health', headers });
      expect(answer.statusCode).toBe(403);
      expect(problemSchema.parse(answer.json()).code).toBe('auth.origin');
    }
  });

  it('reads no form of another site', async () => {
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
    ]) {
      const answer = await call({
        method: 'POST',
        url: '/v1/runs',
        payload: '{}',
        headers: { 'content-type': type },
      });
      expect(answer.statusCode).toBe(415);
      expect(problemSchema.parse(answer.json()).code).toBe('request.media_type');
    }
  });

  it('lets a browser in by a code, to a path of its own only, and out again', async () => {
    const anyone = { host: '127.0.0.1:7800', accept: 'text/html' };
    const newCode = async (): Promise<string> =>
      (await call({ method: 'POST', url: '/v1/logins' })).json<{ code: string }>().code;
    const logIn = (query: string, method: 'GET' | 'HEAD' = 'GET', headers = {}) =>
      server.app.inject({ method, url: `/login?${query}`, headers: { ...anyone, ...headers } });
    expect((await server.app.inject({ method: 'POST', url: '/v1/logins', headers: anyone })).statusCode).toBe(
      401,
    );
    expect((await logIn('code=wrong')).statusCode).toBe(401);
    expect((await logIn(`token=${token}`)).statusCode).toBe(401);
    expect((await logIn(`code=${token}`)).statusCode).toBe(401);
    const code = await newCode();
    // What looks at a link before it is opened does not use it up.
    expect((await logIn(`code=${code}`, 'HEAD')).headers['set-cookie']).toBeUndefined();
    const answer = await logIn(`code=${code}&to=/workers`);
    expect(answer.body).toContain('url=/workers"');
    const cookie = String(answer.headers['set-cookie']).split(';')[0] ?? '';
    expect((await logIn(`code=${code}`)).statusCode).toBe(401);
    expect((await logIn(`code=${code}`, 'GET', { cookie })).statusCode).toBe(200);
    for (const to of ['//evil.example', 'https://evil.example', '/\\evil.example', '/x"><script>']) {
      const query = `code=${await newCode()}&to=${encodeURIComponent(to)}`;
      expect((await logIn(query)).body).toContain('url=/"');
    }
    const workers = () => server.app.inject({ url: '/workers', headers: { ...anyone, cookie } });
    const page = await workers();
    expect(page.statusCode).toBe(200);
    expect(page.headers['content-security-policy']).toContain("script-src 'self'");
    expect(page.body).toContain('worker-0');
    expect(page.body).toContain('action="/logout"');

    const logOut = (headers: Record<string, string>) => {
      const type = 'application/x-www-form-urlencoded';
      const sent = { ...anyone, cookie, 'content-type': type, ...headers };
      return server.app.inject({ method: 'POST', url: '/logout', headers: sent, payload: '' });
    };
    const elsewhere: Record<string, string>[] = [
      { origin: 'http://evil.example' },
      { 'sec-fetch-site': 'cross-site' },
    ];
    for (const headers of elsewhere) expect((await logOut(headers)).statusCode).toBe(403);
    expect((await workers()).statusCode).toBe(200);
    const out = await logOut({ origin: 'http://127.0.0.1:7800', 'sec-fetch-site': 'same-origin' });
    expect(out.statusCode).toBe(200);
    expect(out.headers['set-cookie']).toMatch(/^murnau_session=; .*Max-Age=0/);
    expect(out.body).not.toContain('action="/logout"');
    expect((await workers()).statusCode).toBe(401);
  });
});

describe('problems', () => {
  it('are RFC 9457, name the code and what to do next', async () => {
    const answer = await get('/v1/runs/00000000');
    expect(answer.statusCode).toBe(404);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(problemSchema.strict().parse(answer.json())).toMatchObject({
      type: 'urn:murnau:error:run.not_found',
      code: 'run.not_found',
      status: 404,
      next_step: 'List runs with `murnau runs ls`.',
    });
  });

  it('name the field, what was given and the nearest key', async () => {
    const answer = await post('/v1/runs', { dataset_id: 'x', spec: { ...words, learning_rate_t3: 1 } });
    expect(answer.statusCode).toBe(422);
    expect(answer.json()).toMatchObject({ code: 'spec.invalid', field: 'spec.learning_rate_t3' });
    expect(answer.json<{ detail: string }>().detail).toContain('did you mean "learning_rate_t');
    expect((await get('/v1/runs?fase=running')).json()).toMatchObject({
      code: 'spec.invalid',
      given: 'fase',
    });
    expect((await get('/v1/runs?cursor=x')).json()).toMatchObject({ code: 'page.invalid_cursor' });
    expect((await get('/v1/nothing')).json()).toMatchObject({ code: 'route.not_found', status: 404 });
  });

  it('read bodies that are no JSON, or none, without a stack trace', async () => {
    const headers = { 'content-type': 'application/json' };
    for (const payload of ['{', '[]', '"x"', 'null', '', '{"__proto__":{"x":1}}']) {
      const answer = await call({ method: 'POST', url: '/v1/sweeps', payload, headers });
      expect([payload, answer.statusCode]).toEqual([payload, 422]);
      problemSchema.parse(answer.json());
    }
  });

  it('name the methods that an address takes', async () => {
    for (const [method, url, allowed] of [
      ['DELETE', '/v1/runs', 'GET, HEAD, POST'],
      ['PUT', '/v1/runs/x/pause', 'POST'],
      ['PATCH', '/workers', 'GET, HEAD'],
      ['POST', '/login?code=x', 'GET'],
      ['GET', '/logout', 'POST'],
      ['POST', '/v1/openapi.json', 'GET, HEAD'],
    ] as const) {
      const answer = await call({ method, url });
      expect([url, answer.statusCode, answer.headers.allow]).toEqual([url, 405, allowed]);
      expect(problemSchema.parse(answer.json())).toMatchObject({ code: 'route.wrong_method', allowed });
    }
    expect((await call({ method: 'DELETE', url: '/v1/nothing' })).statusCode).toBe(404);
  });

  it('are answered to an address that is none, and to what is no HTTP', async () => {
    for (const url of ['/v1/runs/%zz', `/v1/runs/${'a'.repeat(200)}`]) {
      const answer = await get(url);
      expect([answer.statusCode, problemSchema.parse(answer.json()).code]).toEqual([422, 'request.invalid']);
    }
    await server.app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = server.app.server.address() as AddressInfo;
    for (const [sent, status] of [
      ['rubbish\r\n\r\n', 400],
      [`GET / HTTP/1.1\r\nhost: x\r\na: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
    ] as const) {
      const socket = connect(port, '127.0.0.1').end(sent);
      const answer = String(Buffer.concat(await socket.toArray()));
      expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
      expect(answer).toContain('content-type: application/problem+json');
      expect(problemSchema.parse(JSON.parse(answer.split('\r\n\r\n')[1] ?? ''))).toMatchObject({ status });
    }
  });

  it('are a page for a person', async () => {
    const answer = await call({ method: 'GET', url: '/runs/<b>', headers: { accept: 'text/html' } });
    expect(answer.statusCode).toBe(404);
    expect(answer.headers['content-type']).toContain('text/html');
    expect(answer.body).not.toContain('<b>');
  });
});

describe('lists', () => {
  it('pages give each run once, newest first, whatever the page size and although new ones arrive', async () => {
    const { id } = await seedDataset(server.store);
    const made: string[] = [];
    for (let index = 0; index < 9; index += 1) {
      made.unshift((await seedRun(server.store, id, { placeholder_token: 'pager' })).id);
    }
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 11 }), fc.boolean(), async (limit, meanwhile) => {
        const seen: string[] = [];
        let cursor: string | null = '';
        while (cursor !== null) {
          const query: string = cursor === '' ? '' : `&cursor=${cursor}`;
          const page = (await get(`/v1/runs?placeholder=pager&limit=${limit}${query}`)).json<{
            items: { id: string }[];
            next_cursor: string | null;
          }>();
          expect(page.items.length).toBeLessThanOrEqual(limit);
          seen.push(...page.items.map((run) => run.id));
          cursor = page.next_cursor;
          if (meanwhile && made.length < 14)
            made.unshift((await seedRun(server.store, id, { placeholder_token: 'pager' })).id);
        }
        expect(new Set(seen).size).toBe(seen.length);
        const start = made.indexOf(seen[0] ?? '');
        expect(seen).toEqual(made.slice(start));
      }),
      { numRuns: 12 },
    );
  });
});

describe('OpenAPI', () => {
  it('is the one in docs, whole and without a loose end', async () => {
    const description = (await get('/v1/openapi.json')).json<{
      paths: Record<string, object>;
      components: { schemas: object };
    }>();
    const text = `${JSON.stringify(description, null, 1)}\n`;
    const golden = new URL('../../../docs/openapi.json', import.meta.url);
    if (process.env['UPDATE_GOLDENS'] === '1') writeFileSync(golden, text);
    expect(text).toBe(readFileSync(golden, 'utf8'));
    const schemas = new Set(Object.keys(description.components.schemas));
    for (const [, name] of text.matchAll(/"#\/components\/schemas\/(\w+)"/g)) expect(schemas).toContain(name);
    const operations = Object.values(description.paths).flatMap(
      (path) => Object.values(path) as { operationId: string; responses: object }[],
    );
    // Every status is named: none is left to a default.
    for (const { responses } of operations) expect(Object.keys(responses)).not.toContain('default');
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
    expect(operations.length).toBeGreaterThan(35);
  });
});

it('says which part is away', async () => {
  const status = (await get('/v1/status')).json<{ ok: boolean; parts: { name: string; ok: boolean }[] }>();
  expect(status.ok).toBe(false);
  expect(status.parts.find(({ name }) => name === 'database')?.ok).toBe(true);
  expect(status.parts.find(({ name }) => name === 'temporal')).toMatchObject({
    ok: false,
    detail: 'no Temporal here',
  });
});
