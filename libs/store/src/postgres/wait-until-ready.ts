import { setTimeout as sleep } from 'node:timers/promises';
import { MurnauError } from '@murnau/domain';
import pg from 'pg';

const POLL_MS = 50;

interface WaitUntilReadyOptions {
  /** Default 30,000: recovery after a crash replays at most `max_wal_size` of WAL. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

/** Returns once the server answers a query; a server that is starting or recovering is asked again each 50 ms. */
export async function waitUntilReady(
  databaseUrl: string,
  options: WaitUntilReadyOptions = {},
): Promise<void> {
  const deadline = Date.now() + (options.timeoutMs ?? 30_000);
  for (;;) {
    options.signal?.throwIfAborted();
    const cause = await firstAnswer(databaseUrl);
    if (cause === undefined) return;
    if (Date.now() >= deadline) {
      throw new MurnauError('storage.unavailable', `The database did not answer: ${cause.message}`, {
        cause,
      });
    }
    await sleep(POLL_MS);
  }
}

async function firstAnswer(databaseUrl: string): Promise<Error | undefined> {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('select 1');
    return undefined;
  } catch (error) {
    return error as Error;
  } finally {
    await client.end().catch(() => undefined);
  }
}
