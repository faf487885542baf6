import { afterEach, describe, expect, it } from 'vitest';
import { fakeApi, stream } from '../testing/fake-api.js';
import type { FakeApi, FakeRoutes } from '../testing/fake-api.js';
import { aGeneration, aRun } from '../testing/fixtures.js';
import { runCommand } from '../testing/run-command.js';
import type { CommandResult } from '../testing/run-command.js';

const servers: FakeApi[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function interrupted(
  routes: FakeRoutes,
  words: readonly string[],
  interruptAt: RegExp,
  againAfterMs: number,
): Promise<CommandResult> {
  const api = await fakeApi(routes);
  servers.push(api);
  return runCommand(words, { env: { MURNAU_SERVER: api.url }, interruptAt, againAfterMs });
}

const going = aGeneration({ task: 'text2img', prompt: 'x' }, { phase: 'running', notices: ['drawing now'] });
/** @param cancelMs how long the server takes to cancel: the command waits for it after the first Ctrl-C */
const drawing = (cancelMs: number): FakeRoutes => ({
  'POST /v1/generations': () => going,
  'GET /v1/generations/:id/events': () => stream([['generation', going]], { stays: true }),
  'POST /v1/generations/:id/cancel': () => (response) =>
    setTimeout(() => response.end(JSON.stringify(going)), cancelMs),
});

describe('Ctrl-C', { timeout: 20_000 }, () => {
  it.each([0, 5, 20])('that arrives again after %i ms, as npm sends it, is one', async (againAfterMs) => {
    const { exitCode, stderr } = await interrupted(
      drawing(300),
      ['generate', 'x'],
      /drawing now/,
      againAfterMs,
    );
    expect({ exitCode, stderr }).toEqual({ exitCode: 130, stderr: expect.stringContaining('is cancelled') });
  });

  it('detaches from a run, however often npm sends it', async () => {
    const routes: FakeRoutes = {
      'GET /v1/runs/:id': () => aRun(),
      'GET /v1/runs/:id/events': () => stream([['run', aRun({ step: 1 })]], { stays: true }),
    };
    const { exitCode, stderr } = await interrupted(routes, ['runs', 'watch', 'x'], /step 1/, 0);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 101,
      stderr: expect.stringContaining('the run goes on'),
    });
  });

  it('ends a command at once the second time', async () => {
    const { exitCode, stderr } = await interrupted(drawing(60_000), ['generate', 'x'], /drawing now/, 2_000);
    expect(exitCode).toBe(130);
    expect(stderr).not.toContain('is cancelled');
  });
});
