import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MurnauError } from '@murnau/domain';
import type { Dataset, StoredEvent } from '@murnau/domain';
import { afterEach, describe, expect, it } from 'vitest';
import { ApiClient } from './client.js';
import type { LiveMessage } from './follow.js';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const servers: Server[] = [];
async function serve(handler: Handler, port = 0): Promise<{ url: string; port: number; close: () => void }> {
  const server = createServer(handler);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const { port: bound } = server.address() as AddressInfo;
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${bound}`, port: bound, close };
}

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
const info = {
  version: '1',
  owner: 'ada',
  temporal_address: 'a',
  temporal_ui_url: 'b',
  gallery_url: 'c',
  namespace: 'd',
};
const dataset = (id: string): Dataset => ({
  id,
  name: 'pictures',
  owner: 'ada',
  images: [],
  created_at: '2026-01-01T00:00:00Z',
});
const failure = async (promise: Promise<unknown>): Promise<MurnauError> => {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(MurnauError);
  return error as MurnauError;
};

describe('ApiClient', () => {
  it('says at once that a server does not run', async () => {
    const { url, close } = await serve(() => {});
    close();
    const startedMs = Date.now();
    const error = await failure(new ApiClient({ server: url }).info());
    expect(error.code).toBe('server.unreachable');
    expect(error.message).toContain('nothing listens there');
    expect(Date.now() - startedMs).toBeLessThan(400);
  });

  it('rebuilds the error of a problem', async () => {
    const { url } = await serve((_, response) =>
      answer(response, 422, {
        type: 'about:blank',
        title: 'x',
        status: 422,
        detail: 'the placeholder "train" is a known word',
        code: 'placeholder.known_word',
        next_step: 'x',
        field: 'spec.placeholder_token',
        given: 'train',
      }),
    );
    const error = await failure(new ApiClient({ server: url }).info());
    expect(error).toMatchObject({
      code: 'placeholder.known_word',
      message: 'the placeholder "train" is a known word',
      field: 'spec.placeholder_token',
      given: 'train',
    });
  });

  it.each([
    [404, 'route.not_found'],
    [422, 'request.invalid'],
    [500, 'internal'],
  ])('takes an error that only a newer server knows by its status %i', async (status, code) => {
    const problem = {
      type: 'x',
      title: 'x',
      status,
      detail: 'no orbit',
      code: 'orbit.missing',
      next_step: 'x',
    };
    const { url } = await serve((_, response) => answer(response, status, problem));
    const error = await failure(new ApiClient({ server: url }).info());
    expect(error).toMatchObject({ code, message: 'no orbit (orbit.missing)' });
  });

  it('follows the path of a server that lies under one', async () => {
    const asked: (string | undefined)[] = [];
    const { url } = await serve((request, response) => {
      asked.push(request.url);
      if (request.url?.endsWith('/events') !== true) return answer(response, 200, info);
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end('event: end\ndata: {}\n\n');
    });
    for (const server of [`${url}/team/murnau`, `${url}/team/murnau/`]) {
      const client = new ApiClient({ server });
      await client.info();
      await collect(client.follow('runs', 'a/b'));
    }
    const both = ['/team/murnau/v1/info', '/team/murnau/v1/runs/a%2Fb/events'];
    expect(asked).toEqual([...both, ...both]);
  });

  it('says which answer it does not understand', async () => {
    const { url } = await serve((_, response) => answer(response, 200, { version: 1 }));
    const error = await failure(new ApiClient({ server: url }).info());
    expect(error.code).toBe('internal');
    expect(error.message).toContain('GET /v1/info');
  });

  it('waits for a server that restarts, and repeats a creation with the same key', async () => {
    const keys: (string | undefined)[] = [];
    const handler: Handler = (request, response) => {
      if (request.method === 'GET') return answer(response, 200, info);
      keys.push(request.headers['idempotency-key'] as string | undefined);
      if (keys.length === 1) return void request.socket.destroy();
      answer(response, 201, dataset('00000001'));
    };
    const first = await serve(handler);
    let waits = 0;
    const client = new ApiClient({ server: first.url, token: 't', onWaiting: () => (waits += 1) });
    await client.info();
    first.close();
    setTimeout(() => void serve(handler, first.port), 700);
    await client.info();
    expect(waits).toBe(1);
    await client.createDataset({ name: 'pictures', images: [{ hash: 'x', name: 'y' }] });
    expect(keys).toHaveLength(2);
    expect(keys[0]).toBe(keys[1]);
    expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('gives up when patience has ended', async () => {
    const server = await serve((_, response) => answer(response, 200, info));
    const client = new ApiClient({ server: server.url, patienceMs: 600 });
    await client.info();
    server.close();
    expect((await failure(client.info())).code).toBe('server.unreachable');
  });

  it('fetches pages as they are needed', async () => {
    const asked: string[] = [];
    const { url } = await serve((request, response) => {
      asked.push(request.url ?? '');
      const cursor = new URL(request.url ?? '', url).searchParams.get('cursor');
      answer(response, 200, {
        items: [dataset(cursor ?? 'first')],
        next_cursor: cursor === null ? 'second' : cursor === 'second' ? 'third' : null,
      });
    });
    const client = new ApiClient({ server: url });
    const ids = (await collect(client.datasets())).map(({ id }) => id);
    expect(ids).toEqual(['first', 'second', 'third']);
    asked.length = 0;
    expect(await collect(client.datasets({ limit: 1 }))).toHaveLength(1);
    expect(asked).toEqual(['/v1/datasets?limit=1']);
  });

  it('reads all pages of a leaderboard and of metrics, or as many as are asked for', async () => {
    const asked: string[] = [];
    const { url } = await serve((request, response) => {
      const { pathname, searchParams, search } = new URL(request.url ?? '', 'http://server');
      asked.push(`${pathname}${search}`);
      const step = Number(searchParams.get('cursor') ?? 0);
      const items = pathname.endsWith('metrics') ? [{ step, name: 'eval_gain', value: 1 }] : [];
      const next_cursor = step < 2 ? String(step + 1) : null;
      answer(response, 200, { metric: 'eval_gain', goal: 'maximize', items, next_cursor });
    });
    const client = new ApiClient({ server: url });
    const board = await client.leaderboard('s');
    expect(board).toEqual({ metric: 'eval_gain', goal: 'maximize', runs: [] });
    expect(asked).toEqual(
      ['', '&cursor=1', '&cursor=2'].map((rest) => `/v1/sweeps/s/trials?limit=200${rest}`),
    );
    asked.length = 0;
    const points = await collect(client.metrics('r', { names: 'eval_gain' }));
    expect(points.map(({ step }) => step)).toEqual([0, 1, 2]);
    expect(asked[2]).toBe('/v1/runs/r/metrics?names=eval_gain&limit=5000&cursor=2');
    asked.length = 0;
    expect(await collect(client.metrics('r', { limit: 2 }))).toHaveLength(2);
    expect(asked).toEqual(['/v1/runs/r/metrics?limit=2', '/v1/runs/r/metrics?limit=2&cursor=1']);
  });

  it('sends only what the server lacks', async () => {
    const methods: string[] = [];
    const { url } = await serve((request, response) => {
      methods.push(request.method ?? '');
      if (request.method === 'HEAD') return void response.writeHead(404).end();
      answer(response, 201, { hash: 'stored', size_bytes: 1, media_type: 'image/png' });
    });
    const client = new ApiClient({ server: url });
    const bytes = new Uint8Array([1]);
    expect(await client.ensureBlob(bytes, 'image/png', 'a.png')).toEqual({ hash: 'stored', sent: true });
    expect(methods).toEqual(['HEAD', 'POST']);
  });

  it('follows a stream across a break, each stored event once', async () => {
    const resumed: (string | undefined)[] = [];
    const frame = (id: number): string => {
      const event: StoredEvent = {
        id: String(id),
        kind: 'metric',
        run_id: 'r',
        sweep_id: null,
        generation_id: null,
        data: {},
        created_at: '2026-01-01T00:00:00Z',
      };
      return `id: ${id}\nevent: event\ndata: ${JSON.stringify(event)}\n\n`;
    };
    const { url } = await serve((request, response) => {
      resumed.push(request.headers['last-event-id'] as string | undefined);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      if (resumed.length === 1) {
        response.write(`retry: 1000\n\n: alive\n\n${frame(1)}${frame(2)}`);
        setTimeout(() => response.destroy(), 50);
      } else {
        response.end(`${frame(3)}event: later\ndata: {}\n\nevent: end\ndata: {"phase":"finished"}\n\n`);
      }
    });
    const messages: LiveMessage[] = await collect(new ApiClient({ server: url }).follow('runs', 'r'));
    const ids = messages.flatMap((message) => (message.kind === 'event' ? [message.event.id] : []));
    expect(ids).toEqual(['1', '2', '3']);
    expect(messages.at(-1)).toEqual({ kind: 'end', phase: 'finished' });
    expect(resumed).toEqual([undefined, '2']);
  });

  it('follows from now on, after a break too', async () => {
    const asked: (string | undefined)[] = [];
    const { url } = await serve((request, response) => {
      asked.push(request.url);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      if (asked.length === 1) response.end(': alive\n\n');
      else response.end('event: end\ndata: {"phase":"finished"}\n\n');
    });
    await collect(new ApiClient({ server: url }).follow('sweeps', 's', { fromNow: true }));
    expect(asked).toEqual(['/v1/sweeps/s/events?after=now', '/v1/sweeps/s/events?after=now']);
  });

  it('stops following when told to', async () => {
    const { url } = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': alive\n\n');
    });
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 100);
    const client = new ApiClient({ server: url });
    expect(await collect(client.follow('sweeps', 's', { signal: stop.signal }))).toEqual([]);
  });
});
