import { Client, Connection } from '@temporalio/client';

interface TemporalClientOptions {
  readonly address: string;
  readonly namespace: string;
}

/** Connects at the first call, and again whenever the server was away. */
export function createTemporalClient({ address, namespace }: TemporalClientOptions): Client {
  return new Client({ connection: Connection.lazy({ address }), namespace });
}
