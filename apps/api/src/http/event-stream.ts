import { eventIdSchema, parse } from '@murnau/domain';
import type { FastifyReply, FastifyRequest } from 'fastify';

const ALIVE_EVERY_MS = 5_000;
/** A client that reads too slowly is cut off; it comes back with Last-Event-ID. */
const MOST_UNSENT_BYTES = 4 * 1024 * 1024;

/** Server-sent events to one client. */
export class EventStream {
  readonly #reply: FastifyReply;
  readonly #alive: NodeJS.Timeout;
  #isOpen = true;

  constructor(reply: FastifyReply) {
    this.#reply = reply;
    reply.hijack();
    const { raw } = reply;
    raw.writeHead(200, {
      ...reply.getHeaders(),
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    } as Record<string, string>);
    raw.write('retry: 1000\n\n');
    this.#alive = setInterval(() => this.#write(': alive\n\n'), ALIVE_EVERY_MS);
    raw.on('close', () => this.#stop());
    raw.on('error', () => this.#stop());
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  send(event: string, data: unknown, id?: string): void {
    this.#write(`${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  end(): void {
    this.#stop();
    this.#reply.raw.end();
  }

  #write(text: string): void {
    const { raw } = this.#reply;
    if (!this.#isOpen) return;
    if (raw.writableLength > MOST_UNSENT_BYTES) raw.destroy();
    else raw.write(text);
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
