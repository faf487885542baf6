import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createWriteStream, mkdtempSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { searchAttributes } from '@murnau/contracts';
import { defaultModel, parse, trainingSpecSchema } from '@murnau/domain';
import type { Run, TrainingSpec, TrainingSpecInput } from '@murnau/domain';
import { startFakeWorker } from '@murnau/gpu-client';
import type { FakeWorker, FakeWorkerOptions } from '@murnau/gpu-client';
import { createStarters, createTemporalClient } from '@murnau/orchestration';
import type { Starters } from '@murnau/orchestration';
import { createStore, startPrivateTestPostgres } from '@murnau/store';
import type { Store, TestPostgres } from '@murnau/store';
import type { Client } from '@temporalio/client';
import pg from 'pg';

export const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const temporalBinary = join(root, 'python-worker/.venv/bin/temporal');

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export async function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** A program that a test may kill and start again, with its output in a file. */
export class Program {
  private child: ChildProcess | undefined;

  constructor(
    private readonly command: string,
    private readonly args: readonly string[],
    private readonly env: Record<string, string>,
    private readonly logFile: string,
  ) {}

  start(): void {
    const log = createWriteStream(this.logFile, { flags: 'a' });
    this.child = spawn(this.command, this.args, {
      env: { ...process.env, ...this.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout?.pipe(log);
    this.child.stderr?.pipe(log);
  }

  /** Stops it without ending it, as a debugger or a full machine would; `SIGCONT` lets it go on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.child?.kill(signal);
  }

  get isRunning(): boolean {
    return this.child?.exitCode === null && this.child.signalCode === null;
  }

  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
    const { child } = this;
    if (child === undefined || !this.isRunning) return child?.exitCode ?? null;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill(signal);
    await ended;
    return child.exitCode;
  }
}

/** The real worker on the real small model. */
export async function startRealWorker(folder: string): Promise<Program & { readonly address: string }> {
  const address = `127.0.0.1:${await freePort()}`;
  const program = new Program(
    join(root, 'python-worker/.venv/bin/python'),
    [
      ...['-m', 'murnau_worker', 'serve', '--listen', address, '--threads', '1'],
      ...['--model', `${defaultModel}=${join(root, 'models', defaultModel)}`],
    ],
    {},
    join(folder, 'real-worker.log'),
  );
  program.start();
  return Object.assign(program, { address });
}

export interface Harness {
  readonly folder: string;
  /** What every part is told. */
  readonly env: Readonly<Record<string, string>>;
  readonly store: Store;
  readonly client: Client;
  readonly starters: Starters;
  readonly postgres: TestPostgres;
  readonly temporal: Program;
  readonly orchestrator: Program;
  readonly dispatchers: Program[];
  readonly workers: FakeWorker[];
  /** Starts a dispatcher for a worker that is there, or will be. */
  addDispatcher(name: string, address: string, extraEnv?: Record<string, string>): Program;
  addWorker(options?: FakeWorkerOptions): Promise<{ worker: FakeWorker; dispatcher: Program }>;
  waitForTemporal(): Promise<void>;
  /** A workflow's history as JSON. */
  showHistory(workflowId: string): string;
  /** The `temporal` command line; answers its output. */
  temporalCommand(...args: string[]): string;
  /** Rows as they are, past the store. */
  query(text: string, values?: unknown[]): Promise<void>;
  datasetId: string;
  createRun(spec?: Partial<TrainingSpecInput>): Promise<Run>;
  /** Waits until the run has ended, and answers how. */
  ended(runId: string, timeoutMs?: number): Promise<Run>;
  stop(): Promise<void>;
}

export function spec(values: Partial<TrainingSpecInput> = {}): TrainingSpec {
  return parse(
    trainingSpecSchema,
    {
      model: 'fake',
      placeholder_token: 'sapsan',
      initializer_token: 'train',
      max_steps: 100,
      checkpoint: { every_steps: 10 },
      eval: { every_steps: 20 },
      samples: { every_steps: 50, final_count: 2 },
      ...values,
    },
    'spec',
  );
}

// The smallest PNG.
const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
);

export async function startHarness(
  workerOptions: FakeWorkerOptions = {},
  extraEnv: Record<string, string> = {},
): Promise<Harness> {
  const folder = mkdtempSync(join(tmpdir(), 'murnau-e2e-'));
  const [postgres, temporalPort] = await Promise.all([startPrivateTestPostgres(), freePort()]);
  const databaseUrl = await postgres.createDatabase();
  const blobDir = join(folder, 'blobs');
  const store = createStore({ databaseUrl, blobDir });
  await store.migrate();

  const address = `127.0.0.1:${temporalPort}`;
  const attributes = Object.entries(searchAttributes).flatMap(([name, type]) => [
    '--search-attribute',
    `${name}=${{ KEYWORD: 'Keyword', INT: 'Int', DOUBLE: 'Double' }[type]}`,
  ]);
  const temporal = new Program(
    temporalBinary,
    [
      ...['server', 'start-dev', '--headless', '--port', String(temporalPort), '--ip', '127.0.0.1'],
      ...['--db-filename', join(folder, 'temporal.db'), '--sqlite-pragma', 'journal_mode=WAL'],
      ...['--log-level', 'error', '--dynamic-config-value', 'matching.enableFairness=true', ...attributes],
    ],
    {},
    join(folder, 'temporal.log'),
  );
  temporal.start();
  const waitForTemporal = async (): Promise<void> => {
    for (let waited = 0; waited < 30_000; waited += 100) {
      try {
        execFileSync(temporalBinary, ['operator', 'cluster', 'health', '--address', address], {
          stdio: 'ignore',
        });
        return;
      } catch {
        await pause(100);
      }
    }
    throw new Error('Temporal did not start');
  };
  await waitForTemporal();

  const env = {
    DATABASE_URL: databaseUrl,
    BLOB_DIR: blobDir,
    TEMPORAL_ADDRESS: address,
    LOG_LEVEL: 'info',
    ...extraEnv,
  };
  const node = (part: string, extra: Record<string, string> = {}, name = part): Program =>
    new Program(
      process.execPath,
      [join(root, `apps/${part}/dist/main.js`)],
      { ...env, ...extra },
      join(folder, `${name}.log`),
    );
  const orchestrator = node('orchestrator');
  orchestrator.start();

  const client = createTemporalClient({ address, namespace: 'default' });
  const starters = createStarters({ client, store, galleryUrl: 'http://127.0.0.1:7800' });
  const workers: FakeWorker[] = [];
  const dispatchers: Program[] = [];
  const addDispatcher: Harness['addDispatcher'] = (name, workerAddress, more = {}) => {
    const extra = { WORKER_ADDRESS: workerAddress, WORKER_NAME: name, ...more };
    const dispatcher = node('dispatcher', extra, `dispatcher-of-${name}`);
    dispatcher.start();
    dispatchers.push(dispatcher);
    return dispatcher;
  };
  const addWorker: Harness['addWorker'] = async (options = workerOptions) => {
    const worker = await startFakeWorker(options);
    const dispatcher = addDispatcher(`worker-${workers.length}`, worker.address);
    workers.push(worker);
    return { worker, dispatcher };
  };
  await addWorker();

  const temporalCommand = (...args: string[]): string =>
    execFileSync(temporalBinary, [...args, '--address', address], {
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    });

  const { hash } = await store.blobs.put(png, 'image/png');
  const dataset = await store.datasets.create({
    name: 'one',
    owner: 'tester',
    images: [{ hash, name: 'a.png', width: 1, height: 1 }],
  });

  return {
    folder,
    env,
    store,
    client,
    starters,
    postgres,
    temporal,
    orchestrator,
    dispatchers,
    workers,
    addDispatcher,
    addWorker,
    waitForTemporal,
    showHistory: (workflowId) =>
      temporalCommand('workflow', 'show', '--output', 'json', '--workflow-id', workflowId),
    temporalCommand,
    query: async (text, values = []) => {
      const database = new pg.Client({ connectionString: databaseUrl });
      await database.connect();
      await database.query(text, values).finally(() => database.end());
    },
    datasetId: dataset.id,
    createRun: (values = {}) =>
      store.runs.create({ owner: 'tester', dataset_id: dataset.id, spec: spec(values) }),
    ended: async (runId, timeoutMs = 60_000) => {
      for (let waited = 0; waited < timeoutMs; waited += 100) {
        const run = await store.runs.get(runId);
        if (['finished', 'failed', 'cancelled'].includes(run.phase)) return run;
        await pause(100);
      }
      throw new Error(`run ${runId} has not ended: ${JSON.stringify(await store.runs.get(runId))}`);
    },
    stop: async () => {
      await Promise.all([...dispatchers, orchestrator].map((program) => program.stop()));
      await Promise.all(workers.map((worker) => worker.kill()));
      await client.connection.close();
      await temporal.stop();
      await store.close();
      await postgres.stop();
    },
  };
}
