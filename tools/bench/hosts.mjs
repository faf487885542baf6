// Programs that a benchmark starts beside the stack, and what their processes take.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { root } from '../bootstrap/root.mjs';
import { model } from './stage.mjs';

const children = [];
process.once('exit', stopAll);

function start(args, { command = process.execPath, env = {}, stdout = 'ignore' } = {}) {
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', stdout, process.env.BENCH_LOGS === '1' ? 'inherit' : 'ignore'],
  });
  children.push(child);
  return child;
}

/** The product's worker in its `--simulate` mode. @returns its process and address */
export async function startWorker({ slots, stepMs, models = [model] }) {
  const address = `127.0.0.1:${await freePort()}`;
  const options = ['--simulate', '--simulate-step-ms', stepMs, '--slots', slots, '--listen', address];
  const args = [
    '-m',
    'murnau_worker',
    '--log-level',
    'warning',
    'serve',
    ...models.flatMap((name) => ['--model', `${name}=.`]),
    ...options,
  ];
  const { pid } = start(args.map(String), { command: join(root, 'python-worker/.venv/bin/python') });
  return { pid, address };
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** One process that stands for the workers of many dispatchers, each of one slot. @returns its process and address */
export async function startSimulatedWorker({ slots, stepMs }) {
  const script = join(import.meta.dirname, 'simulated-worker.mjs');
  const child = start([script, String(slots), String(stepMs)], { stdout: 'pipe' });
  const [address] = await once(createInterface(child.stdout), 'line');
  return { pid: child.pid, address };
}

/** The product's dispatcher for several logical workers: each has its own client, slots, claims and poller. */
export function startDispatcher({ stack, home }, workers) {
  return start([join(root, 'apps/dispatcher/dist/main.js')], {
    env: {
      DATABASE_URL: stack.databaseUrl,
      BLOB_DIR: join(home, 'blobs'),
      TEMPORAL_ADDRESS: stack.temporalAddress,
      WORKERS: workers.map(({ name, address }) => `${name}=${address}`).join(),
      LOG_LEVEL: 'warn',
    },
  }).pid;
}

/** The product's api alone. @returns where it will answer */
export async function startApi({ databaseUrl, home, token }) {
  const port = await freePort();
  start([join(root, 'apps/api/dist/main.js')], {
    env: {
      DATABASE_URL: databaseUrl,
      BLOB_DIR: join(home, 'blobs'),
      API_PORT: String(port),
      API_TOKEN: token,
      LOG_LEVEL: 'warn',
    },
  });
  return `http://127.0.0.1:${port}`;
}

/** Which of them have ended though nobody stopped them. */
export const fallen = () =>
  children.filter(({ exitCode }) => exitCode !== null).map(({ spawnargs }) => spawnargs[1]);

export function stopAll() {
  for (const child of children.splice(0)) child.kill('SIGKILL');
}

/** Peak of resident memory in MiB; 0 where the process is gone. */
export function peakMemoryMb(pid) {
  return Math.round(Number(/VmHWM:\s+(\d+)/.exec(read(pid, 'status'))?.[1] ?? 0) / 1024);
}

/** Processor time in ms so far. */
export function processorMs(pid) {
  const fields = read(pid, 'stat').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * 10;
}

/** PostgreSQL's backends: processes that `pid` started. */
export function childrenOf(pid) {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && read(name, 'stat').split(') ')[1]?.split(' ')[1] === String(pid))
    .map(Number);
}

function read(pid, file) {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
