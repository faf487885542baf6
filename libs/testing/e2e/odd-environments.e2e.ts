// `murnau up` where other things than murnau's have been set up: a proxy, a strict umask, names that other programs
// read, a data folder with a name that several file formats would read differently.
import { execFile } from 'node:child_process';
import { chmodSync, lstatSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repository, runCli, type CliResult } from '../src/stack-under-test.js';

/** Nothing listens there. */
const deadProxy = 'http://127.0.0.1:9';
const oddShell: Record<string, string> = {
  ...Object.fromEntries(
    ['http_proxy', 'https_proxy', 'all_proxy', 'grpc_proxy'].flatMap((name) => [
      [name, deadProxy],
      [name.toUpperCase(), deadProxy],
    ]),
  ),
  NODE_USE_ENV_PROXY: '1',
  no_proxy: 'intern.example',
  NO_PROXY: 'intern.example',
  LANG: 'C',
  LC_ALL: 'C',
  TMPDIR: '/no/such/folder',
  HOME: '',
  WORKERS: '4',
  LOG_LEVEL: 'loud',
  DATABASE_URL: 'sqlite://other',
  PGHOST: 'elsewhere',
  TEMPORAL_ENV: 'staging',
  PYTHONINSPECT: '1',
  PYTHONIOENCODING: 'ascii',
};

let folder: string;
let home: string;
let umask: number;
beforeAll(() => {
  umask = process.umask(0o077);
  folder = mkdtempSync(join(tmpdir(), 'murnau-odd-'));
  // As root the database's user passes through.
  chmodSync(folder, 0o711);
  home = join(folder, `C# a,b?c%20d\\e "f" 'g' $h: é`);
});
afterAll(async () => {
  process.umask(umask);
  await murnau(['down']);
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

const murnau = (args: readonly string[], env: Record<string, string> = {}): Promise<CliResult> =>
  runCli(args, { env: { ...oddShell, MURNAU_HOME: home, ...env } });

interface Finding {
  part: string;
  ok: boolean;
  detail: string;
}

describe('the stack in an odd environment', () => {
  it('comes up, and every check is well', async () => {
    const up = await murnau(['up', '--simulate']);
    expect(up.stderr).toContain('Everything answers');
    expect(up.exitCode).toBe(0);
    const { checks } = JSON.parse((await murnau(['doctor', '--json'])).stdout) as { checks: Finding[] };
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(checks.map(({ part }) => part)).toEqual(
      expect.arrayContaining([
        ...['data path', 'data folder', 'disk', 'loopback', 'open files', 'proxy', 'temporary files'],
      ]),
    );
    expect(checks.find(({ part }) => part === 'proxy')?.detail).toContain(`http_proxy=${deadProxy}`);
  });

  it('works: a run is taken, told of by the api, and ends', async () => {
    const train = await murnau([
      ...['train', join(repository, 'examples/octopus'), '--placeholder', 'oktavo'],
      ...['--initializer', 'cat', '--set', 'max_steps=2', '--watch'],
    ]);
    expect(train.stderr).toContain('step 2/2');
    expect(train.exitCode).toBe(0);
    const runs = JSON.parse((await murnau(['runs', 'ls', '--json'])).stdout) as { phase: string }[];
    expect(runs.map(({ phase }) => phase)).toEqual(['finished']);
  });

  it('keeps everything in its folder, for its owner alone', () => {
    expect(readdirSync(folder)).toHaveLength(1);
    const open = readdirSync(home, { withFileTypes: true, recursive: true })
      .map(({ parentPath, name }) => join(parentPath, name))
      .filter((path) => !lstatSync(path).isSymbolicLink() && (lstatSync(path).mode & 0o077) !== 0)
      // Programs of the database, copied for a user of its own.
      .filter((path) => !path.includes('/postgres/binaries-'));
    expect(open).toEqual([]);
  });

  it('goes down', async () => {
    expect((await murnau(['down'])).exitCode).toBe(0);
  });
});

describe('what up cannot work with is refused at once, with its reason', () => {
  const refusal = async (
    args: readonly string[],
    env: Record<string, string> = {},
  ): Promise<{ code: string; message: string }> => {
    const { exitCode, stderr, elapsedMs } = await murnau(['up', '--simulate', '--json', ...args], env);
    expect(exitCode).toBe(2);
    expect(elapsedMs).toBeLessThan(30_000);
    return (JSON.parse(stderr) as { error: { code: string; message: string } }).error;
  };

  it('a port that browsers refuse', async () => {
    const { code, message } = await refusal(['--api-port', '10080']);
    expect(code).toBe('setup.port_unusable');
    expect(message).toContain('Port 10080');
  });

  it.each([
    ['a file', () => join(folder, 'file'), 'is a file'],
    ['a link to nothing', () => join(folder, 'link'), 'a link that leads nowhere'],
    ['a line break', () => join(folder, 'a\nb'), 'a line break'],
    ['a path that is too long', () => join(folder, 'x'.repeat(200), 'y'.repeat(250)), 'at most 450'],
    ['a tilde in quotes', () => '~/murnau', 'only a shell knows'],
  ])('a data folder that is or has %s', async (_, path, reason) => {
    if (!readdirSync(folder).includes('file')) {
      writeFileSync(join(folder, 'file'), '');
      symlinkSync('/no/such/folder', join(folder, 'link'));
    }
    const { code, message } = await refusal([], { MURNAU_HOME: path() });
    expect(code).toBe('setup.home_unusable');
    expect(message).toContain(reason);
  });

  it('too few open files', async () => {
    const entry = join(repository, 'apps/cli/dist/main.js');
    const command = 'ulimit -n 256; exec "$0" "$1" up --simulate --json';
    const [error, stderr] = await new Promise<[{ code?: unknown } | null, string]>((resolve) => {
      execFile(
        '/bin/sh',
        ['-c', command, process.execPath, entry],
        { env: { ...process.env, MURNAU_HOME: join(folder, 'files') } },
        (failure, _, text) => resolve([failure, text]),
      );
    });
    expect(error?.code).toBe(2);
    expect(JSON.parse(stderr)).toMatchObject({
      error: { code: 'setup.machine_unfit', given: '256', allowed: '512 or more' },
    });
  });
});
