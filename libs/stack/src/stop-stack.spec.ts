import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { findByEnvironment } from '@murnau/supervisor';
import { stopStack } from './index.js';
import * as marked from './marked.js';

vi.mock('./marked.js', { spy: true });

let folder: string;
let started: ChildProcess[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'murnau-stop-'));
  started = [];
});
afterEach(async () => {
  vi.restoreAllMocks();
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

/** Notes its end in `notes`, and may first start what it looks after once more. */
const noting = (notes: string, part: string, first = ''): string =>
  `trap '${first} echo ${part} >> ${notes}; exit 0' TERM`;

test('a stack whose folder was removed is stopped: what starts others again first, the database last', async () => {
  const home = join(folder, 'gone');
  const notes = join(folder, 'notes');
  const again = `(MURNAU_PART=worker-0 sleep 60 >/dev/null &);`;
  for (const part of ['postgres', 'api', 'supervisor', 'guard']) {
    await startPart(home, part, noting(notes, part, part === 'supervisor' ? again : ''));
  }
  expect(await stopStack({ home })).toBe(true);
  expect(await left(home)).toEqual([]);
  expect((await readFile(notes, 'utf8')).split('\n')).toEqual(['guard', 'supervisor', 'api', 'postgres', '']);
});

test('a stack whose folder was emptied is stopped, and nothing is left in the new one', async () => {
  await startPart(folder, 'supervisor', '');
  await startPart(folder, 'worker-0', `trap '' TERM`);
  expect(await stopStack({ home: folder })).toBe(true);
  expect(await left(folder)).toEqual([]);
  expect(await readdir(folder)).toEqual([]);
});

test('what does not end is said, with its number', async () => {
  const identity = { pid: 4_000_000, started: 'never' };
  vi.spyOn(marked, 'findMarked').mockResolvedValue([{ identity, part: 'worker-0' }]);
  await expect(stopStack({ home: folder })).rejects.toMatchObject({
    code: 'setup.part_failed',
    message: expect.stringContaining('4000000 (worker-0)') as string,
  });
});
