import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { identify } from './identity.js';
import { tryLock, unlock, withLock } from './lock.js';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'murnau-lock-'));
  path = join(folder, 'lock');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('lets one in at a time and leaves nothing behind', async () => {
  let inside = 0;
  let most = 0;
  const visit = async (): Promise<void> => {
    inside += 1;
    most = Math.max(most, inside);
    await sleep(20);
    inside -= 1;
  };
  await Promise.all(Array.from({ length: 5 }, () => withLock(path, visit)));
  expect(most).toBe(1);
  expect(await readdir(folder)).toEqual([]);
});

test('takes the lock of a process that is gone, even when its number lives on', async () => {
  await writeFile(path, JSON.stringify({ pid: process.pid, started: 'boot:1' }));
  expect(await tryLock(path)).toBe(true);
  await unlock(path);
  await writeFile(path, 'half a lo');
  expect(await tryLock(path)).toBe(true);
});

test('respects a living holder', async () => {
  const holder = spawn('sleep', ['30']);
  try {
    await writeFile(path, JSON.stringify(await identify(holder.pid as number)));
    expect(await tryLock(path)).toBe(false);
  } finally {
    holder.kill('SIGKILL');
  }
});
