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

describe('Ctrl-C', { timeout: 20_000 }, () => {
  it.each([0, 5, 50])('that arrives again after %i ms, as npm sends it, is one', async (againAfterMs) => {
    const routes: FakeRoutes = {
      'GET /v1/runs/:id': () => aRun(),
      'GET /v1/runs/:id/events': () => stream([['run', aRun({ step: 1 })]], { stays: true }),
    };
    const { exitCode, stderr } = await interrupted(routes, ['runs', 'watch', 'x'], /step 1/, againAfterMs);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 101,
      stderr: expect.stringContaining('the run goes on'),
    });
  });

  it('ends a command at once the second time', async () => {
    const going = aGeneration(
      { task: 'text2img', prompt: 'x' },
      { phase: 'running', notices: ['drawing now'] },
    );
    const routes: FakeRoutes = {
      'POST /v1/generations': () => going,
      'GET /v1/generations/:id/events': () => stream([['generation', going]], { stays: true }),
      // Never answered.
      'POST /v1/generations/:id/cancel': () => () => {},
    };
    const { exitCode, stderr } = await interrupted(routes, ['generate', 'x'], /drawing now/, 800);
    expect(exitCode).toBe(130);
    expect(stderr).not.toContain('is cancelled');
  });
});
