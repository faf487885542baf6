// The real database and the real Temporal server, with small stand-ins for the worker and the apps.
import { existsSync, statSync } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { keepLoopbackDirect } from '@murnau/environment';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findByEnvironment } from '@murnau/supervisor';
import {
  checkStack,
  describeStack,
  startStack,
  stopStack,
  type StackDescription,
  type StackOptions,
} from './index.js';
import { defaultPrograms } from './settings.js';
import { readState } from './state.js';
import { stackPaths } from './paths.js';

const script = fileURLToPath(new URL('../fixtures/stand-in.mjs', import.meta.url));
const standIn = (role: string) => ({ command: process.execPath, args: [script, role] });

/** What shells have set for other programs: no part may mind it, nor may a path with such characters matter. */
const oddShell = {
  http_proxy: 'http://127.0.0.1:9',
  https_proxy: 'http://127.0.0.1:9',
  WORKERS: '4',
  TEMPORAL_ENV: 'staging',
  LOG_LEVEL: 'loud',
};
const oddName = `C# a,b?c%20d 'e' "f"`;

let folder: string;
let home: string;
let options: StackOptions;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'murnau-stack-'));
  await chmod(folder, 0o755);
  home = join(folder, oddName);
  Object.assign(process.env, oddShell);
  // As the entry point of each program does.
  keepLoopbackDirect(process.env);
  options = {
    home,
    models: [{ name: 'stand-in', dir: home }],
    simulate: true,
    startTimeoutMs: 120_000,
    programs: {
      worker: standIn('worker'),
      advisor: standIn('advisor'),
      orchestrator: standIn('orchestrator'),
      dispatcher: standIn('dispatcher'),
      api: standIn('api'),
    },
  };
});
afterAll(async () => {
  await stopStack({ home });
  // A database that was killed has processes that write for a moment more.
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  for (const name of Object.keys(oddShell)) delete process.env[name];
});

const pidsOf = (stack: StackDescription): Record<string, number | undefined> =>
  Object.fromEntries(stack.parts.map((part) => [part.name, part.pid]));

const currentPid = async (part: string): Promise<number | undefined> =>
  (await describeStack({ home }))?.parts.find(({ name, isAlive }) => name === part && isAlive)?.pid;

async function supervisorPid(): Promise<number> {
  const state = await readState(stackPaths(home));
  if (!state) throw new Error('no stack');
  return state.supervisor.pid;
}

const guardPid = async (): Promise<number | undefined> => (await readState(stackPaths(home)))?.guard?.pid;

/** With its guard, so that nobody takes its place. */
async function killSupervisor(): Promise<void> {
  await expect.poll(guardPid, { timeout: 5_000 }).toBeDefined();
  const pids = [await guardPid(), await supervisorPid()];
  for (const pid of pids) process.kill(pid as number, 'SIGKILL');
}

const robbedProgram = (marker: string) => ({
  command: process.execPath,
  args: [script, 'robbed-api', marker],
});

/** One that says its version as the real one does. */
async function robbedTemporal(marker: string) {
  const { command } = defaultPrograms().temporal;
  const file = join(folder, 'temporal');
  const lines = [
    '#!/bin/sh',
    `[ "$1" = --version ] && exec '${command}' --version`,
    `exec '${process.execPath}' '${script}' robbed-temporal '${marker}' '${command}' "$@"`,
  ];
  await writeFile(file, `${lines.join('\n')}\n`, { mode: 0o755 });
  return { command: file, args: [] };
}

const allParts = ['worker-0', 'postgres', 'temporal', 'advisor', 'orchestrator', 'dispatcher-0', 'api'];

describe('the embedded stack', () => {
  test('two that start it at once get the same one', async () => {
    const [first, second] = await Promise.all([startStack(options), startStack(options)]);
    expect(first.isReady).toBe(true);
    expect(pidsOf(first)).toEqual(pidsOf(second));
    expect(first.parts.map(({ name }) => name)).toEqual(allParts);
    expect((await fetch(`${first.apiUrl}/v1/health`)).ok).toBe(true);
    expect((await fetch(first.temporalUiUrl)).ok).toBe(true);
  });

  test('a second start finds it and changes nothing', async () => {
    const before = await describeStack({ home });
    const started = performance.now();
    const after = await startStack(options);
    expect(performance.now() - started).toBeLessThan(2_000);
    expect(before && pidsOf(before)).toEqual(pidsOf(after));
  });

  test('every check of what runs is good', async () => {
    const checks = await checkStack({ home });
    const running = checks.filter(({ part }) =>
      [...allParts, 'supervisor', 'temporal namespace'].includes(part),
    );
    expect(running).toHaveLength(allParts.length + 2);
    expect(running.filter(({ ok }) => !ok)).toEqual([]);
    expect(running.find(({ part }) => part === 'temporal namespace')?.detail).toContain('retention 90 days');
  });

  test.each(['worker-0', 'advisor', 'dispatcher-0', 'api', 'temporal', 'postgres'])(
    'a killed %s is back at once, and alone',
    async (part) => {
      const before = pidsOf(await startStack(options));
      const killed = before[part] as number;
      process.kill(killed, 'SIGKILL');
      const died = performance.now();
      await expect.poll(() => currentPid(part), { interval: 10, timeout: 20_000 }).not.toBe(killed);
      await expect.poll(() => currentPid(part), { interval: 10, timeout: 20_000 }).toBeDefined();
      // The database needs to see its old processes end first.
      if (part !== 'postgres') expect(performance.now() - died).toBeLessThan(2_000);
      const after = await startStack(options);
      const { [part]: oldPid, ...othersBefore } = before;
      const { [part]: newPid, ...othersAfter } = pidsOf(after);
      expect(newPid).not.toBe(oldPid);
      expect(othersAfter).toEqual(othersBefore);
      expect(after.parts.find(({ name }) => name === part)?.restarts).toBe(1);
    },
  );

  test('a stopped part is ended and started again', async () => {
    const before = pidsOf(await startStack(options));
    const stopped = before['dispatcher-0'] as number;
    process.kill(stopped, 'SIGSTOP');
    await expect.poll(() => currentPid('dispatcher-0'), { interval: 100, timeout: 20_000 }).not.toBe(stopped);
    const { 'dispatcher-0': _, ...others } = pidsOf(await startStack(options));
    expect(before).toMatchObject(others);
  });

  test('a killed supervisor is replaced by its guard, and a killed guard by the supervisor', async () => {
    const before = pidsOf(await startStack(options));
    for (let round = 0; round < 2; round += 1) {
      const old = await supervisorPid();
      process.kill(old, 'SIGKILL');
      await expect.poll(supervisorPid, { interval: 50, timeout: 20_000 }).not.toBe(old);
      await expect.poll(async () => (await describeStack({ home }))?.isReady, { timeout: 20_000 }).toBe(true);
      await expect.poll(guardPid, { timeout: 5_000 }).toBeDefined();
      const oldGuard = (await guardPid()) as number;
      process.kill(oldGuard, 'SIGKILL');
      await expect
        .poll(async () => ((await guardPid()) ?? oldGuard) === oldGuard, { timeout: 10_000 })
        .toBe(false);
    }
    expect(pidsOf(await startStack(options))).toEqual(before);
  });

  test('a supervisor killed with its guard is replaced by the next start, which takes every part over', async () => {
    const before = await startStack(options);
    const old = await supervisorPid();
    await killSupervisor();
    await expect.poll(async () => (await describeStack({ home }))?.isSupervised).toBe(false);
    expect((await checkStack({ home })).find(({ part }) => part === 'supervisor')?.mend).toBe('murnau up');

    const after = await startStack(options);
    expect(pidsOf(after)).toEqual(pidsOf(before));
    expect(await supervisorPid()).not.toBe(old);

    // What was adopted is looked after like a child.
    const killed = (await currentPid('api')) as number;
    process.kill(killed, 'SIGKILL');
    await expect.poll(() => currentPid('api'), { interval: 20, timeout: 20_000 }).not.toBe(killed);
    expect((await startStack(options)).isReady).toBe(true);
  });

  test('parts that died together with their supervisor are started, orphans of others are swept', async () => {
    const before = await startStack(options);
    await killSupervisor();
    process.kill(pidsOf(before)['api'] as number, 'SIGKILL');
    const after = await startStack({ ...options, workers: 0 });
    expect(after.parts.map(({ name }) => name)).toEqual([
      'postgres',
      'temporal',
      'advisor',
      'orchestrator',
      'api',
    ]);
    expect(pidsOf(after)['postgres']).toBe(pidsOf(before)['postgres']);
    await expect
      .poll(async () => (await findByEnvironment('MURNAU_STACK', home)).map(({ pid }) => pid))
      .not.toContain(pidsOf(before)['worker-0']);
  });

  test('options that change are followed without touching the rest', async () => {
    const before = pidsOf(await startStack({ ...options, workers: 0 }));
    const two = await startStack({ ...options, workers: 2 });
    expect(two.parts.map(({ name }) => name)).toEqual([
      ...[
        'worker-0',
        'worker-1',
        'postgres',
        'temporal',
        'advisor',
        'orchestrator',
        'dispatcher-0',
        'dispatcher-1',
        'api',
      ],
    ]);
    expect(pidsOf(two)).toMatchObject(before);
    const ports = two.parts.filter(({ name }) => name.startsWith('worker')).map(({ port }) => port);
    expect(new Set(ports).size).toBe(2);
    const one = await startStack({ ...options, workers: 1 });
    expect(one.parts.map(({ name }) => name)).toEqual(allParts);
  });

  test('everything killed at once is started again', async () => {
    const before = await startStack(options);
    await killSupervisor();
    for (const pid of Object.values(pidsOf(before))) process.kill(pid as number, 'SIGKILL');
    const after = await startStack(options);
    expect(after.isReady).toBe(true);
    for (const part of allParts) expect(pidsOf(after)[part]).not.toBe(pidsOf(before)[part]);
  });

  test('stopping ends every process and forgets the stack', async () => {
    expect(await stopStack({ home })).toBe(true);
    expect(await findByEnvironment('MURNAU_STACK', home)).toEqual([]);
    expect(existsSync(join(home, 'stack.json'))).toBe(false);
    expect(await describeStack({ home })).toBeNull();
    expect(await stopStack({ home })).toBe(false);
  });

  test('a port that was asked for and is taken stops the start before anything runs', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await expect(startStack({ ...options, apiPort: port })).rejects.toMatchObject({
      code: 'setup.port_taken',
    });
    expect(await describeStack({ home })).toBeNull();
    server.close();
  });

  test('a part that cannot live is reported with the end of its log, and tried again', async () => {
    const broken = { ...options, programs: { ...options.programs, api: standIn('dies') } };
    const error: unknown = await startStack(broken).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'setup.part_failed' });
    expect((error as Error).message).toContain('the stand-in cannot live like this');
    await sleep(500);
    const stack = await describeStack({ home });
    expect(stack?.isSupervised).toBe(true);
    expect(stack?.parts.find(({ name }) => name === 'api')?.state).toBe('failing');
    // Mended, the same command brings the whole up.
    expect((await startStack(options)).isReady).toBe(true);
  });

  test('a part that does not get ready is named, with its log and what that ends with', async () => {
    const silent = { ...options.programs, api: standIn('silent') };
    const error: unknown = await startStack({ ...options, programs: silent, startTimeoutMs: 3_000 }).catch(
      (caught: unknown) => caught,
    );
    expect(error).toMatchObject({ code: 'setup.part_failed' });
    const { message } = error as Error;
    expect(message).toMatch(/^Not ready after 3 s: .*api \(starting\)/);
    expect(message).toContain(`The end of ${join(home, 'logs/api.log')}:\n`);
    expect(message).toContain('"role":"silent"');
    expect((await startStack(options)).isReady).toBe(true);
  });

  test('another stack on its port is not taken for a worker of this one', async () => {
    const marker = join(folder, 'stranger');
    const robbed = { command: process.execPath, args: [script, 'robbed-worker', marker] };
    const before = (await startStack(options)).parts.find(({ name }) => name === 'worker-0');
    const stack = await startStack({ ...options, programs: { ...options.programs, worker: robbed } });
    const after = stack.parts.find(({ name }) => name === 'worker-0');
    const stranger = Number(await readFile(marker, 'utf8'));
    try {
      expect(stack.isReady).toBe(true);
      expect(after?.port).not.toBe(before?.port);
      expect(after?.pid).not.toBe(stranger);
      // Whoever was told the old port is told the new one.
      const dispatcherPid = async () =>
        (await describeStack({ home }))?.parts.find(({ name }) => name === 'dispatcher-0')?.pid;
      await expect
        .poll(
          async () => {
            const told = await findByEnvironment('WORKER_ADDRESS', `127.0.0.1:${after?.port}`);
            return told.map(({ pid }) => pid).includes((await dispatcherPid()) ?? -1);
          },
          { timeout: 10_000 },
        )
        .toBe(true);
    } finally {
      process.kill(stranger, 'SIGKILL');
    }
    expect((await startStack(options)).isReady).toBe(true);
  });

  test.each(['api', 'temporal'] as const)(
    'another stack on its port is not taken for the %s of this one',
    async (part) => {
      const marker = join(folder, `stranger-${part}`);
      const before = (await startStack(options)).parts.find(({ name }) => name === part);
      const robbed = part === 'api' ? robbedProgram(marker) : await robbedTemporal(marker);
      const stack = await startStack({ ...options, programs: { ...options.programs, [part]: robbed } });
      const after = stack.parts.find(({ name }) => name === part);
      const stranger = Number(await readFile(marker, 'utf8'));
      try {
        expect(stack.isReady).toBe(true);
        expect(after?.port).not.toBe(before?.port);
        expect(after?.pid).not.toBe(stranger);
      } finally {
        process.kill(stranger, 'SIGKILL');
      }
      const mended = { ...options.programs, temporal: defaultPrograms().temporal };
      expect((await startStack({ ...options, programs: mended })).isReady).toBe(true);
    },
  );

  test('a stack without a supervisor can be stopped', async () => {
    // Its guard may or may not have put another in its place by then.
    process.kill(await supervisorPid(), 'SIGKILL');
    expect(await stopStack({ home })).toBe(true);
    expect(await findByEnvironment('MURNAU_STACK', home)).toEqual([]);
  });

  test('a missing Python environment is said at once', async () => {
    const program = { command: join(home, 'no-such/.venv/bin/temporal'), args: [] };
    await expect(
      startStack({ ...options, programs: { ...options.programs, temporal: program } }),
    ).rejects.toMatchObject({ code: 'setup.environment_broken' });
  });

  test('what the stack has written is for its owner only', async () => {
    const files = await readdir(home, { withFileTypes: true, recursive: true });
    const open = files.filter(
      ({ parentPath, name }) => (statSync(join(parentPath, name)).mode & 0o077) !== 0,
    );
    expect(open.map(({ name }) => name)).toEqual([]);
    expect(files.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['temporal.db', 'api.log', 'settings.json']),
    );
    expect((await readFile(join(home, 'token'), 'utf8')).trim()).toMatch(/^[0-9a-f]{48}$/);
  });
});
