import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MurnauError } from '@murnau/domain';
import type { Starters } from '@murnau/orchestration';
import { createStore, startTestPostgres, type Store } from '@murnau/store';
import type { FastifyInstance, InjectOptions } from 'fastify';
import type { ImportanceAdvisor } from '../advice/sweep-importance.js';
import { defaultLimits, type Limits } from '../http/limits.js';
import type { ServerIdentity } from '../server-deps.js';
import { createServer } from '../server.js';
import { owner } from './seed.js';

export interface TestServer {
  app: FastifyInstance;
  store: Store;
  databaseUrl: string;
  identity: ServerIdentity;
  /** Headers that a client with the token sends. */
  headers: Record<string, string>;
  close(): Promise<void>;
}

export const token = 'a-token-for-tests-only';

/** For tests that start no workflow: whatever is asked of Temporal fails as if it were away, or does as given. */
export function absentTemporal(given: Partial<Starters> = {}): Starters {
  const away = (): Promise<never> => Promise.reject(new Error('no Temporal here'));
  return {
    startTrainingRun: away,
    startSweep: away,
    startGeneration: away,
    cancelRun: away,
    cancelSweep: away,
    editRun: away,
    editSweep: away,
    cancelGeneration: away,
    convertEmbedding: away,
    checkTokens: () => Promise.resolve([]),
    ...given,
  };
}

const absentAdvisor: ImportanceAdvisor = {
  importance: () => Promise.reject(new MurnauError('advisor.unavailable', 'no advisor here')),
};

/** The server on a real database of its own, or on the one given. */
export async function startTestServer(
  starters: Starters | ((store: Store) => Starters) = absentTemporal(),
  identity: Partial<ServerIdentity> = {},
  database?: string,
  advisor: ImportanceAdvisor = absentAdvisor,
  limits: Partial<Limits> = {},
): Promise<TestServer> {
  const databaseUrl = database ?? (await (await startTestPostgres()).createDatabase());
  const blobDir = mkdtempSync(join(tmpdir(), 'murnau-api-'));
  const store = createStore({ databaseUrl, blobDir });
  await store.migrate();
  const full: ServerIdentity = {
    version: '0.0.0',
    owner,
    host: '127.0.0.1',
    token,
    galleryUrl: 'http://127.0.0.1:7800',
    allowedHosts: [],
    healthName: 'tests/api',
    temporalAddress: '127.0.0.1:7833',
    temporalUiUrl: 'http://127.0.0.1:7834',
    namespace: 'default',
    ...identity,
  };
  const quiet = (): void => undefined;
  const app = await createServer({
    advisor,
    identity: full,
    store,
    starters: typeof starters === 'function' ? starters(store) : starters,
    pingTemporal: () => Promise.reject(new Error('no Temporal here')),
    renditionDir: join(blobDir, 'renditions'),
    limits: { ...defaultLimits, ...limits },
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  });
  return {
    app,
    store,
    databaseUrl,
    identity: full,
    headers: { authorization: `Bearer ${token}`, host: '127.0.0.1:7800' },
    close: async () => {
      await app.close();
      await store.close();
      rmSync(blobDir, { recursive: true, force: true });
    },
  };
}

/** The requests that tests make, as the holder of the token. `server` is asked at each call: it starts later. */
export function callsOf(server: () => TestServer) {
  const call = (options: InjectOptions) =>
    server().app.inject({ ...options, headers: { ...server().headers, ...options.headers } });
  return {
    call,
    get: (url: string) => call({ method: 'GET', url }),
    post: (url: string, payload: unknown, headers: Record<string, string> = {}) =>
      call({
        method: 'POST',
        url,
        payload: JSON.stringify(payload),
        headers: { 'content-type': 'application/json', ...headers },
      }),
    upload: (content: Buffer, type = 'image/png', query = '') =>
      call({ method: 'POST', url: `/v1/blobs${query}`, payload: content, headers: { 'content-type': type } }),
  };
}
