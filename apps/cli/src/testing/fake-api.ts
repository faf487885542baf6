import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { errorRegistry } from '@murnau/domain';
import type { ErrorCode } from '@murnau/domain';

export interface FakeRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}
/** Returned by a route: JSON, bytes, or a function that writes the answer itself. */
export type FakeAnswer = object | Buffer | ((response: ServerResponse) => void);
export type FakeRoutes = Readonly<Record<string, (request: FakeRequest) => FakeAnswer | undefined>>;

export interface FakeApi {
  readonly url: string;
  readonly requests: FakeRequest[];
  readonly close: () => void;
}

export function problem(
  code: ErrorCode,
  detail: string,
  more: { field?: string } = {},
): (response: ServerResponse) => void {
  const { httpStatus, nextStep } = errorRegistry[code];
  const about = { type: 'about:blank', title: code, status: httpStatus };
  const body = { ...about, detail, code, next_step: nextStep, ...more };
  return (response) =>
    response.writeHead(httpStatus, { 'content-type': 'application/problem+json' }).end(JSON.stringify(body));
}

/** Writes frames of a live stream, `gapMs` apart; `stays` leaves it open. */
export function stream(
  frames: readonly (readonly [event: string, data: unknown])[],
  { gapMs = 20, stays = false } = {},
): (response: ServerResponse) => void {
  return (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('retry: 1000\n\n: alive\n\n');
    const queue = [...frames];
    const next = (): void => {
      const frame = queue.shift();
      if (frame === undefined) {
        if (!stays) response.end();
        return;
      }
      response.write(`event: ${frame[0]}\ndata: ${JSON.stringify(frame[1])}\n\n`);
      setTimeout(next, gapMs);
    };
    next();
  };
}

/**
 * A server with the answers that a test gives it, for what a real one does not do on demand.
 * @param routes `GET /v1/runs/:id` style keys; the first that fits is asked.
 */
export async function fakeApi(routes: FakeRoutes): Promise<FakeApi> {
  const requests: FakeRequest[] = [];
  const table = Object.entries(routes).map(([key, answer]) => {
    const [method, path = ''] = key.split(' ');
    return { method, pattern: new RegExp(`^${path.replace(/:[a-z]+/g, '[^/]+')}$`), answer };
  });
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const seen: FakeRequest = {
      method: request.method ?? '',
      url: new URL(request.url ?? '', 'http://fake'),
      headers: request.headers,
      body: Buffer.concat(pieces),
    };
    requests.push(seen);
    const route = table.find(
      ({ method, pattern }) => method === seen.method && pattern.test(seen.url.pathname),
    );
    const answer =
      route?.answer(seen) ?? problem('route.not_found', `no ${seen.method} ${seen.url.pathname}`);
    if (typeof answer === 'function') return answer(response);
    if (Buffer.isBuffer(answer)) return void response.writeHead(200).end(answer);
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  };
  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
