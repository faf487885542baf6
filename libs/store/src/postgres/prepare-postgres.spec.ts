import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canTraverse } from './postgres-owner.js';
import { type PostgresPlan, preparePostgres } from './prepare-postgres.js';
import { waitUntilReady } from './wait-until-ready.js';

const isRoot = process.getuid?.() === 0;
let home: string;
beforeAll(() => {
  home = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'murnau-prepare-'));
  chmodSync(home, 0o755);
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

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
    const old = join(home, 'old');
    mkdirSync(join(old, 'data'), { recursive: true });
    writeFileSync(join(old, 'data', 'PG_VERSION'), '16\n');
    await expect(preparePostgres({ home: old })).rejects.toMatchObject({
      code: 'setup.postgres_failed',
      given: '16',
      allowed: '18',
    });
  });

  it("keeps its socket's path short enough", async () => {
    const deep = join(home, 'x'.repeat(120));
    mkdirSync(join(deep, 'data'), { recursive: true });
    writeFileSync(join(deep, 'data', 'PG_VERSION'), '18\n');
    const { socketDir, dataDir } = await preparePostgres({ home: deep });
    expect(socketDir).toMatch(/^\/tmp\/murnau-pg-[0-9a-f]{8}$/);
    expect(dataDir).toBe(join(deep, 'data'));
    rmSync(socketDir, { recursive: true, force: true });
  });

  it.runIf(isRoot)('as root runs as another user, in a folder that user can enter', async () => {
    const closed = join(home, 'closed');
    mkdirSync(closed, { mode: 0o700 });
    const nobody = { name: 'nobody', uid: 65_534, gid: 65_534 };
    expect(await canTraverse(closed, nobody)).toBe(false);
    expect(await canTraverse(home, nobody)).toBe(true);

    const wanted = join(closed, 'postgres');
    const instead = join('/var/lib/murnau', createHash('sha256').update(wanted).digest('hex').slice(0, 8));
    mkdirSync(join(instead, 'data'), { recursive: true });
    writeFileSync(join(instead, 'data', 'PG_VERSION'), '18\n'); // spares a database on the disk
    const plan = await preparePostgres({ home: wanted, runAs: 'nobody' });
    expect(plan).toMatchObject({ dataDir: join(instead, 'data'), uid: 65_534 });
    rmSync(instead, { recursive: true, force: true });
    await expect(preparePostgres({ home, runAs: 'no-such-user' })).rejects.toMatchObject({
      code: 'setup.postgres_user',
    });
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
