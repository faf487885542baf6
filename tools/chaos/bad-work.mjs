// Work that can never succeed: it must end by itself with its reason, and nothing else may suffer from it. What it does
// to its worker is in mortal_worker.py, by the same names.
import { cp, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '../bootstrap/root.mjs';
import { model } from './sweeps.mjs';

const killingPicture = 'kills-its-worker.png';
const failingText = 'fails always';
const createTimeoutMs = 120_000;
const endTimeoutMs = 600_000;
const pollMs = 300;

/** What is started, where its row is found, and how it must have ended. */
export const badWork = {
  picture: {
    table: 'runs',
    named: 'name',
    code: 'run.ends_worker',
    args: async (/** @type {string} */ home, /** @type {string} */ name) => [
      ...['train', await killingFolder(home), '--placeholder', 'oktavo', '--initializer', 'fish'],
      ...['--model', model, '--name', name, '--set', 'max_steps=40', '--json'],
    ],
  },
  generation: {
    table: 'generations',
    named: `request ->> 'prompt'`,
    code: 'internal',
    args: async (/** @type {string} */ home, /** @type {string} */ name) => [
      ...['generate', name, '--model', model, '--count', '1', '--out', join(home, 'drawn'), '--json'],
    ],
  },
};

/** @param {string} home */
async function killingFolder(home) {
  const folder = join(home, 'killing');
  await cp(join(root, 'examples/octopus'), folder, { recursive: true });
  await rename(join(folder, '1.png'), join(folder, killingPicture));
  return folder;
}

/**
 * Starts it, once though the answer may be lost with the api, and waits for its end.
 * @param {import('./arena.mjs').Arena} arena @param {'picture' | 'generation'} kind @param {number} number
 * @returns {Promise<string | undefined>} what is wrong with its end
 */
export async function endOfBadWork(arena, kind, number) {
  const { table, named, code, args } = badWork[kind];
  const name = `${failingText} ${number}`.replaceAll(' ', kind === 'picture' ? '-' : ' ');
  const rows = () =>
    arena.books.ask(`select id, phase, failure from ${table} where ${named} = $1`, [name]).catch(() => []);
  const createBy = performance.now() + createTimeoutMs;
  while ((await rows()).length === 0) {
    if (performance.now() > createBy) return `${kind} ${number} could not be started`;
    const command = arena.murnau(await args(arena.home, name)).catch(() => undefined);
    while ((await rows()).length === 0 && (await Promise.race([command, sleep(pollMs, pollMs)])) === pollMs);
  }
  const endBy = performance.now() + endTimeoutMs;
  for (;;) {
    const [row] = await rows();
    if (row !== undefined && !['queued', 'running'].includes(row.phase)) {
      const found = `${row.phase}, ${row.failure?.code}`;
      return found === `failed, ${code}`
        ? undefined
        : `${kind} ${row.id} is ${found} instead of failed, ${code}`;
    }
    if (performance.now() > endBy) return `${kind} ${number} did not end within ${endTimeoutMs / 1000} s`;
    await sleep(pollMs);
  }
}
