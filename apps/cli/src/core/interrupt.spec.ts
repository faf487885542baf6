import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { fakeApi, stream } from '../testing/fake-api.js';
import type { FakeApi, FakeRoutes } from '../testing/fake-api.js';
import { aGeneration, aRun, aSweep } from '../testing/fixtures.js';
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

describe('Ctrl-C around a submission', { timeout: 20_000 }, () => {
  const train = ['train', '5f0c11aa', '--placeholder', 'oktavo', '--initializer', 'fish'];
  const dataset = {
    id: '5f0c11aa',
    name: 'octopus',
    owner: 'ada',
    images: [],
    created_at: aRun().created_at,
  };
  const later =
    (answer: object) =>
    (response: ServerResponse): void =>
      void setTimeout(() => response.end(JSON.stringify(answer)), 200);

  /** @param at the request whose arrival sends it */
  async function interruptedAt(at: string, words: readonly string[]) {
    let interrupt = (): void => {};
    const answers: Readonly<Record<string, object>> = {
      'GET /v1/datasets/:id': dataset,
      'POST /v1/runs': aRun(),
      'POST /v1/runs/:id/fork': aRun(),
      'POST /v1/sweeps': aSweep(),
      'POST /v1/generations': going,
      'POST /v1/generations/:id/cancel': going,
    };
    const routes: FakeRoutes = Object.fromEntries(
      Object.entries(answers).map(([key, answer]) => [
        key,
        () => {
          if (key === at) interrupt();
          return later(answer);
        },
      ]),
    );
    const api = await fakeApi(routes);
    servers.push(api);
    const env = { MURNAU_SERVER: api.url };
    const result = await runCommand(words, { env, interruptOn: (given) => (interrupt = given) });
    return { ...result, asked: api.requests.map(({ method, url }) => `${method} ${url.pathname}`) };
  }

  it.each([[[]], [['--watch']]])('before it says that nothing was started: train %j', async (more) => {
    const { exitCode, stderr, asked } = await interruptedAt('GET /v1/datasets/:id', [...train, ...more]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 130, stderr: 'Interrupted: nothing was started.\n' });
    expect(asked).not.toContain('POST /v1/runs');
  });

  it.each<[string, string[]]>([
    ['POST /v1/runs', train],
    ['POST /v1/runs', [...train, '--watch']],
    ['POST /v1/runs/:id/fork', ['runs', 'fork', '7f3a91c2', '--watch']],
  ])('while it is sent, %s of %j detaches from what was started', async (at, words) => {
    const { exitCode, stderr } = await interruptedAt(at, words);
    expect(stderr).toMatch(/Detached: the run goes on.*runs watch 7f3a91c2.*runs cancel 7f3a91c2/);
    expect(exitCode).toBe(101);
  });

  it('while it is sent detaches from a sweep', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'murnau-interrupt-'));
    const file = join(folder, 'sweep.yaml');
    await writeFile(
      file,
      'name: octopus\ndataset: 5f0c11aa\nparameters:\n  pair:\n    values: [{ placeholder: oktavo, initializer: fish }]\n',
    );
    const { exitCode, stderr } = await interruptedAt('POST /v1/sweeps', ['sweep', 'create', file]);
    await rm(folder, { recursive: true });
    expect(stderr).toMatch(/Detached: the sweep goes on.*sweep watch/);
    expect(exitCode).toBe(101);
  });

  it('while it is sent cancels a drawing', async () => {
    const { exitCode, stderr, asked } = await interruptedAt('POST /v1/generations', ['generate', 'x']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 130, stderr: expect.stringContaining('is cancelled') });
    expect(asked).toContain(`POST /v1/generations/${going.id}/cancel`);
  });

  it('right after the line that names the run detaches from it', async () => {
    const routes: FakeRoutes = {
      'GET /v1/datasets/:id': () => dataset,
      'POST /v1/runs': () => aRun(),
      'GET /v1/runs/:id/events': () => stream([], { stays: true }),
    };
    const { exitCode, stderr } = await interrupted(routes, [...train, '--watch'], /^Run oktavo/m, 0);
    expect({ exitCode, stderr }).toEqual({ exitCode: 101, stderr: expect.stringContaining('Detached') });
  });
});
