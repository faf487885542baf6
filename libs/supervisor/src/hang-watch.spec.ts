import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { untilHung } from './hang-watch.js';

const limits = { lookEveryMs: 20, stoppedMs: 200, silentMs: 400 };
let child: ChildProcess;
let over: AbortController;
beforeEach(() => {
  child = spawn('sleep', ['600'], { stdio: 'ignore' });
  over = new AbortController();
});
afterEach(() => {
  over.abort();
  child.kill('SIGKILL');
});

function watch(isAnswering?: () => Promise<boolean>): {
  reason: () => string | undefined;
  ended: Promise<void>;
} {
  let reason: string | undefined;
  const ended = untilHung({ pid: child.pid ?? -1, isAnswering, signal: over.signal }, limits).then(
    (found) => {
      reason = found;
    },
  );
  return { reason: () => reason, ended };
}

describe('the watch over a part', () => {
  it('tells of a process that somebody stopped', async () => {
    const { reason, ended } = watch();
    child.kill('SIGSTOP');
    await ended;
    expect(reason()).toMatch(/^stopped for \d+ s$/);
  });

  it('lets one be that goes on before its time', async () => {
    const { reason } = watch();
    for (let again = 0; again < 4; again += 1) {
      child.kill('SIGSTOP');
      await sleep(60);
      child.kill('SIGCONT');
      await sleep(60);
    }
    expect(reason()).toBeUndefined();
  });

  it.each([
    ['does not answer', () => Promise.resolve(false)],
    ['answers with an error', () => Promise.reject(new Error('no'))],
  ])('tells of one that lives and %s', async (_, isAnswering) => {
    const { reason, ended } = watch(isAnswering);
    await ended;
    expect(reason()).toMatch(/^silent for \d+ s$/);
  });

  it('counts the silence anew after each answer', async () => {
    let asked = 0;
    const { reason } = watch(() => Promise.resolve((asked += 1) % 3 === 0));
    await sleep(2 * limits.silentMs);
    expect(asked).toBeGreaterThan(3);
    expect(reason()).toBeUndefined();
  });

  it('ends without a word when the part has ended', async () => {
    const { reason, ended } = watch(() => Promise.resolve(false));
    over.abort();
    await ended;
    expect(reason()).toBeUndefined();
  });
});
