import { fakeEmbedding } from '@murnau/gpu-client';
import type { Run } from '@murnau/domain';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Harness } from './harness.js';
import { pause, startHarness } from './harness.js';

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness({ stepMs: 40 });
});
afterAll(() => harness.stop());

const steps = 100;

async function startRun(seed: number): Promise<Run> {
  const run = await harness.createRun({ seed, max_steps: steps });
  await harness.starters.startTrainingRun(run);
  return run;
}

async function reaches(runId: string, step: number): Promise<void> {
  for (let waited = 0; waited < 60_000; waited += 20) {
    if ((await harness.store.runs.get(runId)).certified_step >= step) return;
    await pause(20);
  }
  throw new Error(`run ${runId} did not reach step ${step}`);
}

/** The same bytes as an undisturbed run, and every metric once. */
async function expectUndisturbed(run: Run, seed: number): Promise<Run> {
  const ended = await harness.ended(run.id, 90_000);
  expect(ended).toMatchObject({ phase: 'finished', certified_step: steps, failure: null });
  const embedding = await harness.store.embeddings.get(ended.embedding_id ?? '');
  expect((await harness.store.blobs.get(embedding.hash)).toString()).toBe(fakeEmbedding(seed, steps));
  const { items: losses } = await harness.store.runs.metrics(run.id, { names: ['train_loss'] });
  expect(losses.map(({ step }) => step)).toEqual(Array.from({ length: steps }, (_, index) => index + 1));
  const { items: samples } = await harness.store.runs.samples(run.id);
  expect(samples.map(({ step, kind, position }) => `${step} ${kind} ${position}`)).toHaveLength(3 + 3 * 2);
  return ended;
}

const killed = (index: number): Harness['workers'][number] => {
  const worker = harness.workers[index];
  if (worker === undefined) throw new Error(`no worker ${index}`);
  return worker;
};

describe('a run whose parts die', () => {
  it('goes on when its stream breaks', async () => {
    const run = await startRun(1);
    await reaches(run.id, 30);
    const before = killed(0).stepsDone;
    killed(0).dropStreams();
    const ended = await expectUndisturbed(run, 1);
    expect(ended.restarts).toMatchObject({ worker: 1 });
    // Only what was not stored is computed again: at most a checkpoint's steps, twice with what the loser goes on with.
    expect(killed(0).stepsDone - before).toBeLessThanOrEqual(steps - 30 + 20);
  });

  it('goes on when the orchestrator is killed', async () => {
    const run = await startRun(2);
    await reaches(run.id, 30);
    await harness.orchestrator.stop();
    await pause(500);
    harness.orchestrator.start();
    await expectUndisturbed(run, 2);
  });

  it('goes on when the dispatcher is killed', async () => {
    const run = await startRun(3);
    await reaches(run.id, 30);
    await harness.dispatchers[0]?.stop();
    await pause(500);
    harness.dispatchers[0]?.start();
    const ended = await expectUndisturbed(run, 3);
    expect(ended.restarts).toMatchObject({ lost: 1 });
  });

  it('goes on when Temporal is killed', async () => {
    const run = await startRun(4);
    await reaches(run.id, 30);
    await harness.temporal.stop();
    await pause(1_000);
    harness.temporal.start();
    await harness.waitForTemporal();
    await expectUndisturbed(run, 4);
  });

  it('goes on when PostgreSQL is killed', async () => {
    const run = await startRun(5);
    await reaches(run.id, 30);
    await harness.postgres.kill9();
    await pause(1_000);
    await harness.postgres.restart();
    await expectUndisturbed(run, 5);
  });

  it('goes on when its parts are asked to stop', async () => {
    const run = await startRun(8);
    await reaches(run.id, 30);
    const [dispatcher] = harness.dispatchers;
    expect(await dispatcher?.stop('SIGTERM')).toBe(0);
    expect(await harness.orchestrator.stop('SIGTERM')).toBe(0);
    dispatcher?.start();
    harness.orchestrator.start();
    await expectUndisturbed(run, 8);
  });

  it('refuses what a dispatcher that was stopped for a while still wants to write', async () => {
    await harness.addWorker();
    await pause(6_000);
    const run = await startRun(9);
    await reaches(run.id, 20);
    const { claimed_by, epoch } = await harness.store.runs.details(run.id);
    const zombie = harness.dispatchers[claimed_by === 'worker-0' ? 0 : 1];
    zombie?.signal('SIGSTOP');
    const beginMs = Date.now();
    while ((await harness.store.runs.details(run.id)).epoch === epoch) await pause(50);
    console.log('taken over after', Date.now() - beginMs, 'ms');
    // One heartbeat timeout, and perhaps another: Temporal may hand the segment to the stopped dispatcher's open poll.
    expect(Date.now() - beginMs).toBeLessThan(15_000);
    zombie?.signal('SIGCONT');
    await expectUndisturbed(run, 9);
  });

  it('goes on elsewhere within 5 s when its worker dies', async () => {
    const run = await startRun(6);
    await reaches(run.id, 20);
    const second = await startRun(7);
    await reaches(second.id, 20);
    const { claimed_by } = await harness.store.runs.details(second.id);
    const index = claimed_by === 'worker-0' ? 0 : 1;
    const { certified_step } = await harness.store.runs.get(second.id);
    const beginMs = Date.now();
    await killed(index).kill();
    await reaches(second.id, Math.min(steps, certified_step + 10));
    const movedMs = Date.now() - beginMs;
    console.log('went on elsewhere after', movedMs, 'ms');
    expect(movedMs).toBeLessThan(5_000);
    await expectUndisturbed(second, 7);
    await expectUndisturbed(run, 6);
  });
});
