import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Run, Sweep } from '@murnau/domain';
import { repository, runCli, type StackUnderTest, until } from '../src/index.js';

/** Three people on one stack: each has an api of their own, as each has a token of their own in a team. */

export interface StackFacts {
  readonly api_url: string;
  readonly token: string;
  readonly temporal_address: string;
  readonly temporal_ui_url: string;
  readonly namespace: string;
  readonly database_url: string;
}

export const factsOf = async (stack: StackUnderTest): Promise<StackFacts> =>
  JSON.parse(await readFile(join(stack.home, 'stack.json'), 'utf8')) as StackFacts;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export class Owner {
  private static readonly apis: ChildProcess[] = [];

  private constructor(
    readonly name: string,
    private readonly env: Record<string, string>,
    private readonly token: string,
  ) {}

  static async join(name: string, stack: StackUnderTest): Promise<Owner> {
    const facts = await factsOf(stack);
    const port = await freePort();
    const api = spawn(process.execPath, [join(repository, 'apps/api/dist/main.js')], {
      stdio: 'ignore',
      env: {
        ...process.env,
        DATABASE_URL: facts.database_url,
        BLOB_DIR: join(stack.home, 'blobs'),
        TEMPORAL_ADDRESS: facts.temporal_address,
        TEMPORAL_UI_URL: facts.temporal_ui_url,
        GALLERY_URL: facts.api_url,
        API_PORT: String(port),
        API_TOKEN: facts.token,
        MURNAU_OWNER: name,
      },
    });
    Owner.apis.push(api);
    const server = `http://127.0.0.1:${port}`;
    await until(`the api of ${name}`, async () =>
      (await fetch(`${server}/v1/health`)).ok ? true : undefined,
    );
    const env = { MURNAU_HOME: stack.home, MURNAU_SERVER: server, MURNAU_TOKEN: facts.token };
    return new Owner(name, env, facts.token);
  }

  async json<Value>(...args: readonly string[]): Promise<Value> {
    const { exitCode, stdout, stderr } = await runCli([...args, '--json'], { env: this.env });
    if (exitCode !== 0) throw new Error(`murnau ${args.join(' ')} of ${this.name}: ${stderr}`);
    return JSON.parse(stdout) as Value;
  }

  /** Asks the api itself: a command for each look would keep the machine busy. */
  async get<Value>(path: string): Promise<Value> {
    const headers = { authorization: `Bearer ${this.token}` };
    const answer = await fetch(`${this.env['MURNAU_SERVER']}${path}`, { headers });
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
    return (await answer.json()) as Value;
  }

  /** Also where the team did not come together. */
  static allLeave(): void {
    for (const api of Owner.apis) api.kill('SIGKILL');
  }
}

const common = `
model: kandinsky-2.1-small
eval: { every_steps: 10 }
samples: { every_steps: 20, per_prompt: 1, final_count: 2 }
checkpoint: { every_steps: 10 }
segment_max_s: 4
`;
const pairs = (placeholder: string, ...initializers: readonly string[]): string =>
  `{ values: [${initializers.map((initializer) => `{ placeholder: ${placeholder}, initializer: ${initializer} }`).join(', ')}] }`;
const rates = `
  learning_rate_t1: { distribution: log_uniform, min: 0.01, max: 0.5 }
  learning_rate_t2: { distribution: log_uniform, min: 0.01, max: 0.5 }`;
const steps = (most: number): string => `\n  max_steps: { value: ${most} }`;
/** Longer than any test lasts. */
const endless = steps(100_000);

/** Nine sweeps: every method, with rungs, a gate and finalists, and each of the ways that a sweep stands or ends. */
const sweepFiles = {
  'octopus-words': `dataset: octopus
parameters:
  pair: ${pairs('oktavo', 'fish', 'cat')}
  learning_rate_t1: { values: [0.05, 0.2] }${steps(40)}`,
  'octopus-rates': `dataset: octopus
method: random
run_cap: 10
parameters:
  pair: ${pairs('oktavo', 'fish')}${rates}${steps(40)}
finalists: { count: 2, seeds: [1, 2, 3] }`,
  'octopus-halving': `dataset: octopus
method: random
run_cap: 6
parameters:
  pair: ${pairs('oktavo', 'fish', 'cat')}${rates}${steps(80)}
early_terminate: { type: asha, min_steps: 20, eta: 2 }
gate: { after_rung: 1, wait: 48h }`,
  'car-search': `dataset: purple-car
method: tpe
run_cap: 12
parameters:
  pair: ${pairs('lumicar', 'car', 'purple')}${rates}${endless}
max_concurrent_trials: 2`,
  'car-rates': `dataset: purple-car
method: random
run_cap: 4
parameters:
  pair: ${pairs('lumicar', 'car')}${rates}${endless}
max_concurrent_trials: 2`,
  'car-objectives': `dataset: purple-car
parameters:
  pair: ${pairs('lumicar', 'car')}
  objective: { values: [joint, split, warm_joint] }${steps(400)}
max_concurrent_trials: 1`,
  'star-words': `dataset: green-star
parameters:
  pair: ${pairs('stelo', 'star', 'green', 'flower')}${endless}
max_concurrent_trials: 2`,
  'star-halving': `dataset: green-star
method: random
run_cap: 8
parameters:
  pair: ${pairs('stelo', 'star')}${rates}${steps(80)}
early_terminate: { type: asha, min_steps: 20, eta: 2 }`,
  'star-vectors': `dataset: green-star
parameters:
  pair: ${pairs('stelo', 'star')}
  num_vectors: { values: [1, 2, 4] }${endless}
max_concurrent_trials: 2`,
} as const;
export type SweepName = keyof typeof sweepFiles;

export interface Team {
  readonly owners: { readonly ada: Owner; readonly grace: Owner; readonly tove: Owner };
  readonly sweeps: Readonly<Record<SweepName, Sweep>>;
  /** Ran beside the sweeps, and failed. */
  readonly failed: Run;
}

/** Brings each sweep to where it is to stand: those that end first, for the others keep the worker's slots. */
export async function setUpTeam(stack: StackUnderTest, folder: string): Promise<Team> {
  const [ada, grace, tove] = await Promise.all(
    ['ada', 'grace', 'tove'].map((name) => Owner.join(name, stack)),
  );
  if (ada === undefined || grace === undefined || tove === undefined) throw new Error('nobody came');
  const create = async (owner: Owner, name: SweepName): Promise<Sweep> => {
    const file = join(folder, `${name}.yaml`);
    const text = sweepFiles[name].replace(/^dataset: /, `dataset: ${join(repository, 'examples')}/`);
    await writeFile(file, `name: ${name}${common}${text}\n`);
    return owner.json<Sweep>('sweep', 'create', file);
  };
  const sweepIs = (owner: Owner, { id, name }: Sweep, is: (sweep: Sweep) => boolean): Promise<Sweep> =>
    until(name, async () => {
      const sweep = await owner.get<Sweep>(`/v1/sweeps/${id}`);
      return is(sweep) ? sweep : undefined;
    });
  const hasRun = ({ counts }: Sweep): boolean => (counts['running'] ?? 0) > 0;
  const hasEnded = ({ phase }: Sweep): boolean => phase === 'finished' || phase === 'cancelled';

  // Alone: its checkpoints are known by that.
  const failed = await failedRun(stack, ada);
  const words = await create(ada, 'octopus-words');
  const repeated = await create(ada, 'octopus-rates');
  const halving = await create(tove, 'star-halving');
  const gated = await create(ada, 'octopus-halving');
  const stopped = await create(grace, 'car-objectives');
  await sweepIs(grace, stopped, hasRun);
  await grace.json('sweep', 'stop', stopped.id, '--why', 'the first says enough');

  const ended = {
    'octopus-words': await sweepIs(ada, words, hasEnded),
    'octopus-rates': await sweepIs(ada, repeated, hasEnded),
    'star-halving': await sweepIs(tove, halving, hasEnded),
    'octopus-halving': await sweepIs(
      ada,
      gated,
      ({ gate, counts }) => gate !== null && !hasRun({ counts } as Sweep) && (counts['queued'] ?? 0) === 0,
    ),
    'car-objectives': await sweepIs(grace, stopped, hasEnded),
  };

  const search = await create(grace, 'car-search');
  const starWords = await create(tove, 'star-words');
  const paused = await create(grace, 'car-rates');
  const cancelled = await create(tove, 'star-vectors');
  const running = {
    'car-search': await sweepIs(grace, search, hasRun),
    'star-words': await sweepIs(tove, starWords, hasRun),
  };
  await sweepIs(grace, paused, hasRun);
  await grace.json('sweep', 'pause', paused.id, '--why', 'the card is lent until noon');
  await sweepIs(tove, cancelled, hasRun);
  await tove.json('sweep', 'cancel', cancelled.id, '--why', 'one vector is enough');
  return {
    owners: { ada, grace, tove },
    failed,
    sweeps: {
      ...ended,
      ...running,
      'car-rates': await sweepIs(
        grace,
        paused,
        ({ phase, counts }) => phase === 'paused' && !hasRun({ counts } as Sweep),
      ),
      'star-vectors': await sweepIs(tove, cancelled, hasEnded),
    },
  };
}

/** A run whose checkpoints are spoilt on the disk while it is paused: it cannot go on. */
async function failedRun(stack: StackUnderTest, owner: Owner): Promise<Run> {
  const dataset = join(repository, 'examples/octopus');
  const words = ['--placeholder', 'oktavo', '--initializer', 'squid', '--name', 'octopus-spoilt'];
  const options = ['--seed', '99', '--max-steps', '2000', '--set', 'checkpoint.every_steps=5'];
  const created = await owner.json<Run>('train', dataset, ...words, ...options);
  const runIs = (what: string, is: (run: Run) => boolean): Promise<Run> =>
    until(`run ${created.name} to be ${what}`, async () => {
      const run = await owner.get<Run>(`/v1/runs/${created.id}`);
      return is(run) ? run : undefined;
    });
  await runIs('at work', ({ certified_step }) => certified_step > 0);
  await owner.json('runs', 'pause', created.id);
  await runIs('paused', ({ phase }) => phase === 'paused');
  const blobs = join(stack.home, 'blobs');
  for (const entry of await readdir(blobs, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    if (/^\{"step"/.test(await readFile(file, 'latin1'))) await writeFile(file, '{"step": "spoilt"}');
  }
  await owner.json('runs', 'resume', created.id);
  return runIs('failed', ({ phase }) => phase === 'failed');
}
