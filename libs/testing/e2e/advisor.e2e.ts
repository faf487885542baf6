import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { AdviceParameter, PastTrial } from '@murnau/domain';
import { createAdvisorClient, type AdvisorClient } from '@murnau/gpu-client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { repository } from '../src/index.js';

/** The real process behind the real client. */

let advisor: ChildProcess;
let address: string;
let client: AdvisorClient;

async function start(listen: string): Promise<string> {
  advisor = spawn(
    join(repository, 'python-worker/.venv/bin/python'),
    ['-m', 'murnau_worker', 'advise', '--listen', listen],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const [line] = (await once(createInterface(advisor.stderr!), 'line')) as [string];
  const { message, port } = JSON.parse(line) as { message: string; port: number };
  expect(message).toBe('serving');
  return `127.0.0.1:${port}`;
}

beforeAll(async () => {
  address = await start('127.0.0.1:0');
  client = createAdvisorClient(address, { timeoutMs: 20_000 });
});
afterAll(() => {
  client.close();
  advisor.kill('SIGKILL');
});

const parameters: AdviceParameter[] = [
  {
    name: 'pair',
    domain: {
      kind: 'choice',
      values: [
        { placeholder: 'sapsan', initializer: 'train' },
        { placeholder: 'sapsan', initializer: 'bird' },
      ],
    },
    when: [],
  },
  { name: 'learning_rate_t1', domain: { kind: 'float', min: 0.01, max: 0.5, log: true }, when: [] },
  { name: 'schedule', domain: { kind: 'choice', values: ['constant', 'cosine'] }, when: [] },
  {
    name: 'schedule_steps',
    domain: { kind: 'int', min: 10, max: 400, log: true },
    when: [{ parameter: 'schedule', values: ['cosine'] }],
  },
];

/** A history in which a greater learning rate is better and nothing else matters. */
const history: PastTrial[] = Array.from({ length: 30 }, (_, trial) => {
  const rate = 0.01 + (0.48 * ((trial * 7) % 30)) / 30;
  const initializer = trial % 2 === 0 ? 'train' : 'bird';
  const values = {
    pair: { placeholder: 'sapsan', initializer },
    learning_rate_t1: rate,
    schedule: 'constant',
  };
  return { trial, values, state: 'finished', value: rate, intermediate: [] };
});
const question = {
  parameters,
  history,
  forbidden: [],
  goal: 'maximize',
  trial: 30,
  count: 5,
  seed: 7,
} as const;

it('answers in the search space, and the same after it was killed and started again', async () => {
  const before = await client.suggest(question);
  expect(before).toHaveLength(5);
  for (const values of before) {
    expect(values['pair']).toMatchObject({ placeholder: 'sapsan' });
    expect('schedule_steps' in values).toBe(values['schedule'] === 'cosine');
  }
  const rates = before.map((values) => Number(values['learning_rate_t1']));
  expect(rates.filter((rate) => rate > 0.2).length).toBeGreaterThanOrEqual(3);
  advisor.kill('SIGKILL');
  await once(advisor, 'exit');
  await expect(client.suggest(question)).rejects.toMatchObject({ code: 'advisor.unavailable' });
  await start(address);
  await expect.poll(() => client.suggest(question).catch(() => null), { timeout: 10_000 }).toEqual(before);
});

it('tells which parameter matters', async () => {
  const { shares, finished_trials } = await client.importance({ parameters, history, goal: 'maximize' });
  expect(finished_trials).toBe(30);
  expect(Object.keys(shares ?? {})[0]).toBe('learning_rate_t1');
  const few = await client.importance({ parameters, history: history.slice(0, 3), goal: 'maximize' });
  expect(few).toEqual({ shares: null, finished_trials: 3, needed_trials: 10 });
});

it('refuses by the field', async () => {
  await expect(client.suggest({ ...question, trial: 29 })).rejects.toMatchObject({
    code: 'spec.invalid',
    field: 'trial',
  });
});

it('is found missing within seconds when it is stopped', async () => {
  await client.importance(question);
  advisor.kill('SIGSTOP');
  const begun = performance.now();
  await expect(client.suggest(question)).rejects.toMatchObject({ code: 'advisor.unavailable' });
  expect(performance.now() - begun).toBeLessThan(8_000);
  advisor.kill('SIGCONT');
});
