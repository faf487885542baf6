import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Leaderboard, MetricPoint, Run, Sweep } from '@murnau/domain';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repository, StackUnderTest, until } from '../src/index.js';

const maxSteps = 40;
const checkpointEvery = 5;

/** One trial long enough to be hit in its middle, exclusive so that its bytes are comparable. */
const sweepFile = (name: string): string => `
name: ${name}
dataset: ${join(repository, 'examples/octopus')}
parameters:
  pair: { values: [{ placeholder: oktavo, initializer: fish }, { placeholder: oktavo, initializer: cat }] }
  max_steps: { value: ${maxSteps} }
  batch_size: { value: 2 }
  packing: { value: exclusive }
checkpoint: { every_steps: ${checkpointEvery} }
eval: { every_steps: 20 }
samples: { every_steps: 20, per_prompt: 1, final_count: 2, num_steps: 5 }
max_concurrent_trials: 2
`;

let stack: StackUnderTest;
let folder: string;
let undisturbed: Map<number, string>;

async function createSweep(name: string): Promise<Sweep> {
  const file = join(folder, `${name}.yaml`);
  await writeFile(file, sweepFile(name));
  return stack.json<Sweep>(['sweep', 'create', file]);
}

const trialsOf = async (sweepId: string): Promise<Run[]> =>
  (await stack.json<Leaderboard & { sweep: Sweep }>(['sweep', 'describe', sweepId])).runs;

async function ended(sweepId: string): Promise<Run[]> {
  return until(
    `sweep ${sweepId} to end`,
    async () => {
      const runs = await trialsOf(sweepId);
      return runs.every(({ phase }) => ['finished', 'failed', 'cancelled'].includes(phase))
        ? runs
        : undefined;
    },
    240_000,
  );
}

/** SHA-256 of each trial's exported embedding. */
async function embeddingHashes(runs: readonly Run[]): Promise<Map<number, string>> {
  const hashes = new Map<number, string>();
  for (const run of runs) {
    const out = join(folder, `${run.id}.safetensors`);
    await stack.done(['embeddings', 'export', String(run.embedding_id), '--out', out]);
    hashes.set(
      run.trial ?? -1,
      createHash('sha256')
        .update(await readFile(out))
        .digest('hex'),
    );
  }
  return hashes;
}

/** Every step has its training loss exactly once, and every evaluation is there. */
async function expectWhole(runs: readonly Run[]): Promise<void> {
  for (const run of runs) {
    expect(run.phase, JSON.stringify(run.failure)).toBe('finished');
    const { metrics } = await stack.json<{ metrics: MetricPoint[] }>(['runs', 'show', run.id]);
    const steps = (name: string): number[] =>
      metrics.filter((point) => point.name === name).map(({ step }) => step);
    expect(steps('train_loss')).toEqual(Array.from({ length: maxSteps }, (_, index) => index + 1));
    expect(steps('eval_loss')).toEqual([20, 40]);
  }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'murnau-durability-'));
  stack = await StackUnderTest.up(['--model', 'kandinsky-2.1-small']);
  const runs = await ended((await createSweep('undisturbed')).id);
  await expectWhole(runs);
  undisturbed = await embeddingHashes(runs);
}, 300_000);

afterAll(async () => {
  await stack?.close();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

describe('a sweep goes on by itself, to the same bytes, after kill -9 of', () => {
  it.each([
    ['the worker', ['worker-0']],
    ['the dispatcher and the orchestrator', ['dispatcher-0', 'orchestrator']],
    ['the Temporal server', ['temporal']],
    ['PostgreSQL', ['postgres']],
    ['the supervisor and the worker', ['supervisor', 'worker-0']],
  ])('%s', { timeout: 300_000 }, async (what, parts) => {
    const sweep = await createSweep(`killed-${parts.join('-')}`);
    await until('the first trial to be in its middle', async () =>
      (await trialsOf(sweep.id)).some(({ certified_step: step, phase }) => phase === 'running' && step >= 10)
        ? true
        : undefined,
    );
    await stack.kill(...parts);
    const runs = await ended(sweep.id);
    await expectWhole(runs);
    expect(await embeddingHashes(runs), `after killing ${what}`).toEqual(undisturbed);
  });

  it('every process at once, once the stack is up again', { timeout: 300_000 }, async () => {
    const sweep = await createSweep('killed-all');
    await until('the first trial to be in its middle', async () =>
      (await trialsOf(sweep.id)).some(({ certified_step: step, phase }) => phase === 'running' && step >= 10)
        ? true
        : undefined,
    );
    const { checks } = JSON.parse((await stack.murnau(['doctor', '--json'])).stdout) as {
      checks: { part: string; pid?: number }[];
    };
    const pids = checks.flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
    const named = checks.filter(({ pid }) => pid !== undefined).map(({ part }) => part);
    expect(named).toEqual(expect.arrayContaining([...(await stack.parts()).keys()]));
    // The guard before the supervisor that it would replace.
    for (const pid of pids.toReversed()) process.kill(pid, 'SIGKILL');
    await stack.done(['up']);
    const runs = await ended(sweep.id);
    await expectWhole(runs);
    expect(await embeddingHashes(runs)).toEqual(undisturbed);
  });
});
