import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pretendDatabase } from './pretend-database.js';
import { type PostgresPlan, preparePostgres } from './prepare-postgres.js';
import { waitUntilReady } from './wait-until-ready.js';

let base: string;
let home: string;
beforeAll(() => {
  // What a path may hold: PostgreSQL's list of socket folders ends entries at commas, its settings know backslashes.
  const folder = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
  base = mkdtempSync(join(folder, 'murnau-prepare-'));
  chmodSync(base, 0o755);
  home = join(base, `a,b "c"'d'\\e#f?g%20ü:`);
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

function start(plan: PostgresPlan) {
  const { command, args, cwd, env, uid, gid } = plan;
  const identity = { ...(uid !== undefined && { uid }), ...(gid !== undefined && { gid }) };
  const child = spawn(command, args, { cwd, env, stdio: 'ignore', ...identity });
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  const stop = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await ended;
  };
  return { child, stop };
}

async function ask(databaseUrl: string, query: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const { rows } = await client.query<Record<string, unknown>>(query).finally(() => client.end());
  return Object.values(rows[0] ?? {})[0];
}

describe('preparePostgres', () => {
  it('gives a server that keeps what was committed through kill -9, a stale lock file and a stop', async () => {
    const plan = await preparePostgres({ home });
    expect(plan.runningPid).toBeUndefined();
    const first = start(plan);
    await waitUntilReady(plan.databaseUrl);
    await ask(plan.databaseUrl, 'create table kept as select 42 as answer');
    expect(await ask(plan.databaseUrl, 'show listen_addresses')).toBe('');
    expect(await ask(plan.databaseUrl, 'show fsync')).toBe('on');
    expect((await preparePostgres({ home })).runningPid).toBe(first.child.pid);

    await first.stop('SIGKILL');
    // The dead server's number now belongs to a stranger: this test.
    const lock = join(plan.dataDir, 'postmaster.pid');
    writeFileSync(lock, readFileSync(lock, 'utf8').replace(/^\d+/, String(process.pid)));
    const again = await preparePostgres({ home });
    expect(again.runningPid).toBeUndefined();
    expect(existsSync(lock)).toBe(false);

    const second = start(again);
    await waitUntilReady(again.databaseUrl);
    expect(await ask(again.databaseUrl, 'select answer from kept')).toBe(42);
    await second.stop(again.stopSignal);
    expect(existsSync(lock)).toBe(false);
  });

  it("takes the user's own settings from local.conf", async () => {
    writeFileSync(join(home, 'local.conf'), 'work_mem = 7MB\n');
    const plan = await preparePostgres({ home });
    const { stop } = start(plan);
    await waitUntilReady(plan.databaseUrl);
    expect(await ask(plan.databaseUrl, 'show work_mem')).toBe('7MB');
    await stop('SIGINT');
  });

  it('says so when the data is of another version', async () => {
    const old = join(base, 'old');
    pretendDatabase(old, { version: '16' });
    await expect(preparePostgres({ home: old })).rejects.toMatchObject({
      code: 'setup.postgres_failed',
      given: '16',
      allowed: '18',
    });
  });

  it("keeps its socket's path short enough", async () => {
    const deep = join(base, 'x'.repeat(120));
    pretendDatabase(deep);
    const { socketDir, dataDir } = await preparePostgres({ home: deep });
    expect(socketDir).toMatch(/^\/tmp\/murnau-pg-[0-9a-f]{8}$/);
    expect(dataDir).toBe(join(deep, 'data'));
    rmSync(socketDir, { recursive: true, force: true });
  });

  it('makes anew what a first start left half made, and refuses what may hold something', async () => {
    const dataDir = join(home, 'data');
    renameSync(dataDir, join(home, 'kept'));
    mkdirSync(dataDir);
    // No process has the highest number.
    mkdirSync(join(home, 'data.new-4194305/base'), { recursive: true });
    await preparePostgres({ home });
    expect(readFileSync(join(dataDir, 'PG_VERSION'), 'utf8')).toBe('18\n');
    expect(readdirSync(home).filter((name) => name.startsWith('data.new-'))).toEqual([]);

    rmSync(join(dataDir, 'global/pg_control'));
    await expect(preparePostgres({ home })).rejects.toMatchObject({
      code: 'setup.postgres_failed',
      message: expect.stringContaining('it lacks global/pg_control') as string,
    });
    rmSync(dataDir, { recursive: true });
    renameSync(join(home, 'kept'), dataDir);
  });
});

describe('waitUntilReady', () => {
  it('gives up in time, naming the cause', async () => {
    const url = 'postgresql://murnau@localhost/murnau?host=/no/such/folder';
    await expect(waitUntilReady(url, { timeoutMs: 200 })).rejects.toMatchObject({
      code: 'storage.unavailable',
    });
  });
});
