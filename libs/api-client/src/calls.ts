import { randomUUID } from 'node:crypto';
import { largestPage } from '@murnau/domain';
import type { Page } from '@murnau/domain';
import type { z } from 'zod';
import { networkError } from './errors.js';
import type { ListOptions } from './list-options.js';
import { allItems, allPages } from './pages.js';
import { createTransport } from './transport.js';
import type { Call, Transport, TransportOptions } from './transport.js';

export type Signal = AbortSignal | undefined;

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
    query: ListOptions,
    mostAtOnce?: number,
  ): AsyncGenerator<Item> {
    return allItems(this.pages(schema, path, query, mostAtOnce), query.limit);
  }
  protected pages<Schema extends z.ZodType<Page<unknown>>>(
    schema: Schema,
    path: string,
    { limit, ...query }: ListOptions,
    mostAtOnce = largestPage,
  ): AsyncGenerator<z.output<Schema>> {
    const pageLimit = Math.min(limit ?? mostAtOnce, mostAtOnce);
    return allPages(
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
