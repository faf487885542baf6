import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { type PostgresPlan, preparePostgres } from './prepare-postgres.js';
import { waitUntilReady } from './wait-until-ready.js';

/** Of this user and of this space of process ids: what another one's tests left or use is not ours to remove. */
const PREFIX = `murnau-test-pg-${process.getuid?.() ?? 0}-${pidNamespace()}-`;
const MEMORY_WANTED_BYTES = 512 * 1024 * 1024;

/** A real server of its own, on a Unix socket in a temporary folder, for the life of the test process. */
export interface TestPostgres {
  databaseUrl: string;
  /** A new empty database on this server; returns its address. */
  createDatabase(): Promise<string>;
  readonly pid: number;
  /** As a crash would: at once and without a word. `restart` brings it back with its data. */
  kill9(): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

let shared: Promise<TestPostgres> | undefined;

/** One server per test process, started at the first call and ended with the process. */
export function startTestPostgres(): Promise<TestPostgres> {
  shared ??= startPrivateTestPostgres();
  return shared;
}

/** A server that no other test shares: for tests that kill it. */
export async function startPrivateTestPostgres(): Promise<TestPostgres> {
  removeAbandoned();
  const home = join(testFolder(), `${PREFIX}${process.pid}-${randomBytes(4).toString('hex')}`);
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'owner.pid'), String(process.pid));
  // Killed processes lose nothing without fsync; only a killed machine would.
  writeFileSync(join(home, 'local.conf'), 'fsync = off\nmax_connections = 300\n');
  let child: ChildProcess | undefined;
  const killAtExit = () => {
    child?.kill('SIGKILL');
    rmSync(home, { recursive: true, force: true });
  };
  process.once('exit', killAtExit);

  const start = async (): Promise<PostgresPlan> => {
    const plan = await preparePostgres({ home });
    child = spawnServer(plan);
    await waitUntilReady(plan.databaseUrl);
    return plan;
  };
  const end = async (signal: NodeJS.Signals) => {
    const ending = child;
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
    const ended = new Promise((done) => ending.once('exit', done));
    const children = childrenOf(ending.pid ?? -1);
    ending.kill(signal);
    await ended;
    await gone(children);
  };

  const { databaseUrl } = await start();
  return {
    databaseUrl,
    get pid() {
      return child?.pid ?? -1;
    },
    createDatabase: () => createTestDatabase(databaseUrl),
    kill9: () => end('SIGKILL'),
    restart: async () => {
      await start();
    },
    async stop() {
      await end('SIGQUIT');
      process.off('exit', killAtExit);
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** Processes that a process has started, where the system tells of them. */
function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
  } catch {
    return [];
  }
}

/** Waits for a killed server's own processes: one of them may answer a last query before it sees that it is alone. */
async function gone(pids: readonly number[]): Promise<void> {
  while (pids.some((pid) => pid > 0 && isRunning(pid))) {
    await new Promise((done) => setTimeout(done, 20));
  }
}

/** In a container whose first process reaps nobody, a process that has ended stays as a zombie. */
function isRunning(pid: number): boolean {
  const path = `/proc/${pid}/stat`;
  if (!existsSync(path)) return false;
  const stat = readFileSync(path, 'utf8');
  return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
}

/** A new empty database beside the one of `databaseUrl`. */
export async function createTestDatabase(databaseUrl: string): Promise<string> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query(`create database ${name}`).finally(() => client.end());
  return databaseUrl.replace('/murnau?', `/${name}?`);
}

function spawnServer(plan: PostgresPlan): ChildProcess {
  const { command, args, cwd, env, uid, gid } = plan;
  return spawn(command, args, {
    cwd,
    env,
    stdio: 'ignore',
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
  });
}

/** In memory where there is room: a database of its own for each run of the tests is a thousand files. */
function testFolder(): string {
  const memory = '/dev/shm';
  if (!existsSync(memory)) return tmpdir();
  const { bavail, bsize } = statfsSync(memory);
  return bavail * bsize > MEMORY_WANTED_BYTES ? memory : tmpdir();
}

/** Servers of test processes that were killed themselves. */
function removeAbandoned(): void {
  for (const name of readdirSync(testFolder()).filter((entry) => entry.startsWith(PREFIX))) {
    const home = join(testFolder(), name);
    const read = (path: string) => (existsSync(path) ? Number.parseInt(readFileSync(path, 'utf8'), 10) : 0);
    const owner = read(join(home, 'owner.pid'));
    if (owner === 0 || isAlive(owner)) continue;
    const server = read(join(home, 'data', 'postmaster.pid'));
    if (server > 1 && readCommand(server).includes(home)) process.kill(server, 'SIGKILL');
    rmSync(home, { recursive: true, force: true });
  }
}

/** A container has process ids of its own, and may share the folder. */
function pidNamespace(): string {
  const link = '/proc/self/ns/pid';
  return existsSync(link) ? (/\d+/.exec(readlinkSync(link))?.[0] ?? '') : '';
}

function readCommand(pid: number): string {
  const path = `/proc/${pid}/cmdline`;
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
