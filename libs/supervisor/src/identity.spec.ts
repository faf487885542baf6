import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { commandLineOf, findByEnvironment, identify, isAlive } from './identity.js';
import { stopProcess } from './stop.js';

test('knows a process by number and start, and not once it is gone', async () => {
  const child = spawn('sleep', ['30']);
  await once(child, 'spawn');
  const identity = await identify(child.pid as number);
  expect(identity).not.toBeNull();
  if (!identity) return;
  expect(await isAlive(identity)).toBe(true);
  expect(await isAlive({ ...identity, started: 'another:1' })).toBe(false);
  expect(await commandLineOf(identity.pid)).toBe('sleep 30');
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(await isAlive(identity)).toBe(false);
});

test('finds processes by the mark in their environment', async () => {
  const mark = `mark-${process.pid}`;
  const child = spawn('sleep', ['30'], { env: { PATH: process.env['PATH'], MURNAU_TEST_MARK: mark } });
  await once(child, 'spawn');
  const found = await findByEnvironment('MURNAU_TEST_MARK', mark);
  expect(found.map(({ pid }) => pid)).toEqual([child.pid]);
  child.kill('SIGKILL');
});

test('ends a process that ignores the polite signal, with its children', async () => {
  const child = spawn('bash', ['-c', 'trap "" TERM; sleep 60 & echo $!; wait; sleep 60'], { detached: true });
  const [output] = (await once(child.stdout, 'data')) as [Buffer];
  const grandchild = await identify(Number(output.toString()));
  const identity = await identify(child.pid as number);
  if (!identity || !grandchild) throw new Error('the test process did not start');
  await stopProcess(identity, { stopSignal: 'SIGTERM', graceMs: 200 });
  expect(await isAlive(identity)).toBe(false);
  await expect.poll(() => isAlive(grandchild)).toBe(false);
});
