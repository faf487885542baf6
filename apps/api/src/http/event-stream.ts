import { eventIdSchema, parse } from '@murnau/domain';
import type { FastifyReply, FastifyRequest } from 'fastify';

const ALIVE_EVERY_MS = 5_000;
/** A client that takes nothing for so long is cut off; it comes back with Last-Event-ID. */
const PATIENCE_MS = 60_000;

/** Server-sent events to one client, at the pace at which it reads: what is sent waits until the client has taken it. */
export class EventStream {
  readonly #reply: FastifyReply;
  readonly #alive: NodeJS.Timeout;
  readonly #patienceMs: number;
  #isOpen = true;

  constructor(reply: FastifyReply, patienceMs = PATIENCE_MS) {
    this.#reply = reply;
    this.#patienceMs = patienceMs;
    reply.hijack();
    const { raw } = reply;
    raw.writeHead(200, {
      ...reply.getHeaders(),
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    } as Record<string, string>);
    raw.write('retry: 1000\n\n');
    this.#alive = setInterval(() => {
      if (!raw.writableNeedDrain) raw.write(': alive\n\n');
    }, ALIVE_EVERY_MS);
    raw.on('close', () => this.#stop());
    raw.on('error', () => this.#stop());
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** @param data JSON */
  async send(event: string, data: string, id?: string): Promise<void> {
    if (!this.#isOpen) return;
    const { raw } = this.#reply;
    const hasRoom = raw.write(`${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${data}\n\n`);
    if (hasRoom) return;
    await new Promise<void>((resolve) => {
      const patience = setTimeout(() => raw.destroy(), this.#patienceMs);
      const go = (): void => {
        clearTimeout(patience);
        raw.off('drain', go).off('close', go);
        resolve();
      };
      raw.on('drain', go).on('close', go);
    });
  }

  end(): void {
    this.#stop();
    const { raw } = this.#reply;
    // What a client does not take would keep the connection, and a server that stops, waiting.
    if (raw.writableNeedDrain) raw.destroy();
    else raw.end();
  }

  #stop(): void {
    this.#isOpen = false;
    clearInterval(this.#alive);
  }
}

/**
 * Where to go on: the header, which a browser sends by itself, before the query.
 * @throws MurnauError `spec.invalid`
 */
export function lastEventId(request: FastifyRequest, after: string | undefined): string {
  const header = request.headers['last-event-id'];
  if (typeof header !== 'string' || header === '') return after ?? '0';
  return parse(eventIdSchema, header, 'Last-Event-ID');
}
