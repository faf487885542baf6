import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { searchAttributes } from '@murnau/contracts';
import type { Run, Sweep } from '@murnau/domain';
import { createTemporalClient } from '@murnau/orchestration';
import { createStore, startTestPostgres, type Store } from '@murnau/store';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readEvents } from './testing/read-events.js';
import { seedDataset, seedWorker } from './testing/seed.js';
import { token } from './testing/test-server.js';

/** The process as the stack starts it, on a real database and a real Temporal server. */

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const temporalBinary = fileURLToPath(new URL('../../../python-worker/.venv/bin/temporal', import.meta.url));
const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };

let dir: string;
let store: Store;
let env: Record<string, string>;
let temporal: ChildProcess | undefined;
let api: ChildProcess | undefined;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function startTemporal(): void {
  const attributes = Object.entries(searchAttributes).flatMap(([name, type]) => [
    '--search-attribute',
    `${name}=${type.charAt(0)}${type.slice(1).toLowerCase()}`,
  ]);
  const port = env['TEMPORAL_ADDRESS']?.split(':')[1] ?? '';
  const args = [
    'server',
    'start-dev',
    '--headless',
    '--ip',
    '127.0.0.1',
    '--port',
    port,
    '--log-level',
    'never',
  ];
  const database = ['--db-filename', join(dir, 'temporal.db')];
  temporal = spawn(temporalBinary, [...args, ...database, ...attributes], { stdio: 'ignore' });
}

async function stop(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<number | null> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null)
    return child?.exitCode ?? null;
  child.kill(signal);
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}

async function eventually<Result>(work: () => Promise<Result>, timeoutMs = 45_000): Promise<Result> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(100);
    }
  }
}

const url = (path: string): string => `http://127.0.0.1:${env['API_PORT'] ?? ''}${path}`;
const post = (path: string, body?: unknown) =>
  fetch(url(path), {
    method: 'POST',
    headers: body === undefined ? { authorization: headers.authorization } : headers,
    body: JSON.stringify(body),
  });

async function createRun(datasetId: string): Promise<Run> {
  const spec = { placeholder_token: 'sapsan', initializer_token: 'train' };
  const answer = await post('/v1/runs', { dataset_id: datasetId, spec });
  expect(answer.status).toBe(201);
  return (await answer.json()) as Run;
}

const describeWorkflow = ({ workflow_id }: Pick<Run, 'workflow_id'>) =>
  eventually(() => {
    const client = createTemporalClient({ address: env['TEMPORAL_ADDRESS'] ?? '', namespace: 'default' });
    return client.workflow.getHandle(workflow_id).describe();
  });

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'murnau-api-main-'));
  const databaseUrl = await (await startTestPostgres()).createDatabase();
  env = {
    PATH: process.env['PATH'] ?? '',
    DATABASE_URL: databaseUrl,
    BLOB_DIR: join(dir, 'blobs'),
    TEMPORAL_ADDRESS: `127.0.0.1:${await freePort()}`,
    API_PORT: String(await freePort()),
    API_TOKEN: token,
    MURNAU_OWNER: 'ada',
    LOG_LEVEL: 'info',
  };
  if (!existsSync(temporalBinary)) throw new Error(`${temporalBinary} is missing: run npm run bootstrap`);
  startTemporal();
  store = createStore({ databaseUrl, blobDir: env['BLOB_DIR'] ?? '' });
  await store.migrate();
  // Known but not at work: nobody here answers questions about words.
  await seedWorker(store, 'worker-0', 'a test');
  api = spawn(process.execPath, [main], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  await eventually(async () => fetch(url('/v1/health')));
});

afterAll(async () => {
  await stop(api, 'SIGKILL');
  await stop(temporal, 'SIGKILL');
  await store.close();
  rmSync(dir, { recursive: true, force: true });
});

it('refuses to start where anyone could reach it without a token', async () => {
  const { API_TOKEN: _, ...rest } = env;
  const child = spawn(process.execPath, [main], {
    env: { ...rest, API_HOST: '0.0.0.0' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  child.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  expect(code).toBe(1);
  expect(log).toContain('API_TOKEN is not set');
  expect(log).toContain('config.invalid');
});

it('starts what has more to tell than Temporal takes, and shows a name as itself', async () => {
  const dataset = await seedDataset(store);
  const placeholders = [...'abcdefghijklmnopqrst'].map((letter) => `sapsan${letter}`);
  const spec = {
    name: '**[x](http://evil)**',
    dataset: dataset.id,
    parameters: {
      pair: {
        values: placeholders.map((placeholder) => ({
          placeholder,
          initializer: '木'.repeat(57) + placeholder,
        })),
      },
    },
  };
  const answer = await post('/v1/sweeps', { spec });
  expect(answer.status).toBe(201);
  const described = await describeWorkflow((await answer.json()) as Sweep);
  expect(Buffer.byteLength(String(described.searchAttributes['MurnauInitializer']?.[0]))).toBe(255);
  expect(await described.staticSummary()).toMatch(/^sapsana from “木{57}sapsana” · .*…$/);
  expect(await described.staticDetails()).toContain('**[\\*\\*\\[x\\](http://evil)\\*\\*](');
});

it('starts a workflow for a run, stores one while Temporal is away, and goes on when it is back', async () => {
  const dataset = await seedDataset(store);
  const first = await createRun(dataset.id);
  const { searchAttributes: attributes } = await describeWorkflow(first);
  expect(attributes['MurnauPlaceholder']).toEqual(['sapsan']);

  await stop(temporal, 'SIGKILL');
  const status = (await (await fetch(url('/v1/status'), { headers })).json()) as {
    parts: { name: string; ok: boolean }[];
  };
  expect(status.parts.filter(({ ok }) => !ok).map(({ name }) => name)).toContain('temporal');
  const second = await createRun(dataset.id);
  expect(second.phase).toBe('queued');
  const refused = await post(`/v1/runs/${first.id}/cancel`);
  expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([
    503,
    'temporal.unavailable',
  ]);

  startTemporal();
  const cancelled = await eventually(async () => {
    const answer = await post(`/v1/runs/${second.id}/cancel`);
    if (answer.status !== 202) throw new Error(await answer.text());
    return (await answer.json()) as Run;
  });
  expect(cancelled.phase).toBe('cancelled');
  const again = await post(`/v1/runs/${second.id}/cancel`);
  expect([202, 409]).toContain(again.status);
  await describeWorkflow(await createRun(dataset.id));
});

it('stops within seconds when asked to, open streams or not', async () => {
  const dataset = await seedDataset(store);
  const run = await createRun(dataset.id);
  const reader = await readEvents(url(`/v1/runs/${run.id}/events`), { authorization: headers.authorization });
  await reader.until((frames) => frames.length > 0);
  const before = Date.now();
  expect(await stop(api, 'SIGTERM')).toBe(0);
  expect(Date.now() - before).toBeLessThan(10_000);
  await reader.ended;
});
