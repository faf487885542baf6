import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { stopStack } from './index.js';
import { findByEnvironment } from './processes/identity.js';

let folder: string;
let started: ChildProcess[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'murnau-stop-'));
  started = [];
});
afterEach(async () => {
  for (const child of started) child.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

/** As the supervisor starts a part: a shell that does `script`. */
async function startPart(home: string, part: string, script: string): Promise<void> {
  const child = spawn('sh', ['-c', `${script}\necho; while :; do sleep 0.05; done`], {
    detached: true,
    env: { PATH: process.env['PATH'], MURNAU_STACK: home, MURNAU_PART: part },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  started.push(child);
  // It has set its traps.
  await once(child.stdout, 'data');
}

const left = (home: string) => findByEnvironment('MURNAU_STACK', home);

test('a stack is stopped where no lock can be written', async () => {
  await writeFile(join(folder, 'file'), '');
  const home = join(folder, 'file/murnau');
  await startPart(home, 'api', '');
  expect(await stopStack({ home })).toBe(true);
  expect(await left(home)).toEqual([]);
  expect(await stopStack({ home })).toBe(false);
});
