import { randomUUID } from 'node:crypto';
import type { Page } from '@murnau/domain';
import type { z } from 'zod';
import { networkError } from './errors.js';
import type { ListOptions } from './list-options.js';
import { allItems } from './pages.js';
import { createTransport } from './transport.js';
import type { Call, Transport, TransportOptions } from './transport.js';

export type Signal = AbortSignal | undefined;

const largestPage = 200;

/** An id, or a name, in a path. */
export const at = (id: string): string => encodeURIComponent(id);

/** What every group of calls is made of. */
export class Calls {
  readonly server: string;
  protected readonly transport: Transport;

  constructor(options: TransportOptions) {
    this.server = options.server;
    this.transport = createTransport(options);
  }

  protected get<Schema extends z.ZodType>(
    schema: Schema,
    path: string,
    signal?: Signal,
  ): Promise<z.output<Schema>> {
    return this.transport.json(schema, { path, signal });
  }
  protected create<Schema extends z.ZodType>(
    schema: Schema,
    path: string,
    json: unknown,
  ): Promise<z.output<Schema>> {
    return this.transport.json(schema, { method: 'POST', path, json, idempotencyKey: randomUUID() });
  }
  protected list<Item>(
    schema: z.ZodType<Page<Item>>,
    path: string,
    { limit, ...query }: ListOptions,
  ): AsyncGenerator<Item> {
    const pageLimit = Math.min(limit ?? largestPage, largestPage);
    return allItems(
      (cursor) => this.transport.json(schema, { path, query: { ...query, limit: pageLimit, cursor } }),
      limit,
    );
  }
  protected async bytes(path: string, query?: Call['query']): Promise<Uint8Array> {
    const response = await this.transport.send({ path, query });
    const body = await response.arrayBuffer().catch((cause: unknown) => {
      throw networkError(this.server, cause);
    });
    return new Uint8Array(body);
  }
}
