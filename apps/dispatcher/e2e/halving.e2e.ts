import type { SweepDecision } from '@murnau/domain';
import { fakeEmbedding } from '@murnau/gpu-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Harness } from './harness.js';
import { pause, startHarness } from './harness.js';
import type { SweepUnderTest } from './sweeps-under-test.js';
import { storeSweep, until } from './sweeps-under-test.js';

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness({ stepMs: 10, slots: 4 });
});
afterAll(() => harness.stop());

const asha = { type: 'asha', min_steps: 20, eta: 2 } as const;

async function decisionsOf({ sweep }: SweepUnderTest, kind: string): Promise<SweepDecision[]> {
  return (await harness.store.sweeps.decisions(sweep.id, { kind, limit: 200 })).items;
}

/** Each was promoted from a rung once, from among the best of those then known; nobody was lost. */
async function expectInvariants(
  under: SweepUnderTest,
  trials: number,
  steps: readonly number[],
): Promise<void> {
  const promotions = await decisionsOf(under, 'promote');
  const from = promotions.map(({ trial, data }) => `${trial} from ${String(data['rung'])}`);
  expect(new Set(from).size).toBe(from.length);
  for (const { data } of promotions) {
    const { place, reached } = data as { place: number; reached: number };
    expect(place).toBeLessThanOrEqual(Math.floor(reached / 2));
  }
  const all = await under.trials();
  expect(all).toHaveLength(trials);
  for (const { run_id, trial } of all) {
    const run = await harness.store.runs.get(run_id);
    expect(run.phase).toBe('finished');
    const rungs = promotions.filter((promotion) => promotion.trial === trial).length;
    // It came as far as it was let, and published that.
    expect({ trial, step: run.certified_step }).toEqual({ trial, step: steps[rungs] });
    expect(run.early_stop).toBe(rungs === steps.length - 1 ? null : 'rung');
    const { hash, step } = await harness.store.embeddings.get(run.embedding_id ?? '');
    expect((await harness.store.blobs.get(hash)).toString()).toBe(fakeEmbedding(run.spec.seed, step));
    const { items: losses } = await harness.store.runs.metrics(run_id, { names: ['train_loss'] });
    expect(losses).toHaveLength(run.certified_step);
  }
  const atRung = (rung: number): number => promotions.filter(({ data }) => data['rung'] === rung).length;
  expect(atRung(1)).toBeGreaterThanOrEqual(Math.floor(trials / 2));
  expect(atRung(2)).toBeGreaterThanOrEqual(Math.floor(atRung(1) / 2));
}

describe('successive halving', () => {
  it('lets the best of 12 trials go on, and finishes the others where they are', async () => {
    const under = await storeSweep(harness, { seeds: 12, steps: 80, early_terminate: asha });
    await harness.starters.startSweep(under.sweep);
    const sweep = await under.ended();
    expect(sweep).toMatchObject({ phase: 'finished', counts: { finished: 12 } });
    await expectInvariants(under, 12, [20, 40, 80]);
    const prunes = await decisionsOf(under, 'prune');
    expect(prunes.length).toBeGreaterThan(0);
    expect(prunes[0]?.why).toMatch(/not among the best 1 in 2/);
  });

  it('loses nobody when the orchestrator is killed during promotions', async () => {
    const under = await storeSweep(harness, {
      seeds: 12,
      steps: 80,
      early_terminate: asha,
      max_concurrent_trials: 3,
    });
    await harness.starters.startSweep(under.sweep);
    for (let kills = 1; kills <= 3; kills += 1) {
      await until('a promotion', async () => (await decisionsOf(under, 'promote')).length >= 2 * kills - 1);
      await harness.orchestrator.stop();
      harness.orchestrator.start();
    }
    expect(await under.ended()).toMatchObject({ phase: 'finished', counts: { finished: 12 } });
    await expectInvariants(under, 12, [20, 40, 80]);
  });

  it('goes on by itself when everything is killed at once and started again', async () => {
    const under = await storeSweep(harness, { seeds: 8, steps: 80, early_terminate: asha });
    await harness.starters.startSweep(under.sweep);
    await until('a promotion', async () => (await decisionsOf(under, 'promote')).length >= 2);
    const parts = [harness.orchestrator, harness.temporal, ...harness.dispatchers];
    await Promise.all([...parts.map((part) => part.stop()), harness.postgres.kill9()]);
    harness.workers[0]?.dropStreams();
    await harness.postgres.restart();
    harness.temporal.start();
    await harness.waitForTemporal();
    for (const part of [harness.orchestrator, ...harness.dispatchers]) part.start();
    expect(await under.ended()).toMatchObject({ phase: 'finished', counts: { finished: 8 } });
    await expectInvariants(under, 8, [20, 40, 80]);
  });

  it('finishes those that wait when it is stopped', async () => {
    const under = await storeSweep(harness, {
      seeds: 12,
      steps: 200,
      early_terminate: { ...asha, min_steps: 10 },
    });
    await harness.starters.startSweep(under.sweep);
    await until('two wait', async () => (await under.count('waiting')) >= 2);
    await under.edit({ kind: 'stop' });
    const sweep = await under.ended();
    expect(sweep.phase).toBe('finished');
    expect((sweep.counts['finished'] ?? 0) + (sweep.counts['cancelled'] ?? 0)).toBe(12);
    for (const { run_id, phase } of await under.trials()) {
      const { early_stop, certified_step } = await harness.store.runs.get(run_id);
      expect(phase).toBe(certified_step > 0 ? 'finished' : 'cancelled');
      if (phase === 'finished' && certified_step < 200) expect(early_stop).toBe('stopped');
    }
  });
});

describe('a gate', () => {
  const gated = { seeds: 5, steps: 80, early_terminate: asha, max_concurrent_trials: 3 } as const;

  it('waits for a person without holding a device, whose picks train to the end', async () => {
    const under = await storeSweep(harness, { ...gated, gate: { after_rung: 1, wait: '7d' } });
    await harness.starters.startSweep(under.sweep);
    await until('the gate', async () => (await harness.store.sweeps.get(under.sweep.id)).gate !== null);
    await pause(500);
    expect(await under.count('waiting')).toBe(5);
    expect(harness.workers[0]?.sessions.size).toBe(0);
    // Everything dies and comes again while it waits.
    await harness.orchestrator.stop();
    await harness.temporal.stop();
    harness.temporal.start();
    await harness.waitForTemporal();
    harness.orchestrator.start();
    const handle = harness.client.workflow.getHandle(under.sweep.workflow_id);
    await until('an orchestrator that answers', () =>
      handle.query('status').then(
        () => true,
        () => false,
      ),
    );
    await expect(under.edit({ kind: 'pick_winners', trials: [0, 77] })).rejects.toMatchObject({
      code: 'edit.not_possible',
      field: 'trials',
    });
    await under.edit({ kind: 'pick_winners', trials: [0, 1] }, 'I like the ears');
    expect(await under.ended()).toMatchObject({ phase: 'finished', gate: { is_passed: true } });
    const steps = await Promise.all(
      (await under.trials()).map(async ({ run_id }) => (await harness.store.runs.get(run_id)).certified_step),
    );
    expect(steps).toEqual([80, 80, 20, 20, 20]);
    const [picked] = await decisionsOf(under, 'pick_winners');
    expect(picked).toMatchObject({ by: 'ann', why: 'I like the ears' });
  });

  it('is passed by its timer when nobody picks', async () => {
    const under = await storeSweep(harness, { ...gated, gate: { after_rung: 1, wait: '2s' } });
    await harness.starters.startSweep(under.sweep);
    expect(await under.ended()).toMatchObject({ phase: 'finished', gate: { is_passed: true } });
    const promotions = await decisionsOf(under, 'promote');
    // The seeds' gains grow with the seed.
    expect(promotions.map(({ trial }) => trial).sort()).toEqual([3, 4]);
    expect(promotions[0]).toMatchObject({ by: 'sweep', why: 'nobody picked in time' });
  });
});

describe('budgets and finalists', () => {
  it('starts nothing more when the device time is used up', async () => {
    const under = await storeSweep(harness, { seeds: 12, steps: 60, budget: { gpu_hours: 1 / 3_600 } });
    await harness.starters.startSweep(under.sweep);
    const sweep = await under.ended();
    expect(sweep.stop_reason).toMatch(/^budget: .* of device time are used$/);
    expect(sweep.counts['cancelled']).toBeGreaterThan(3);
    expect(sweep.counts['finished']).toBeGreaterThan(1);
    expect((await decisionsOf(under, 'stop'))[0]).toMatchObject({ by: 'sweep', why: sweep.stop_reason });
  });

  it('trains the best again on several seeds, and ranks them by the mean', async () => {
    const under = await storeSweep(harness, {
      seeds: 4,
      steps: 40,
      early_terminate: asha,
      finalists: { count: 2, seeds: [7, 8, 9] },
    });
    await harness.starters.startSweep(under.sweep);
    const sweep = await under.ended();
    expect(sweep).toMatchObject({ phase: 'finished', trials: 10, counts: { finished: 10 } });
    const finalists = await harness.store.sweeps.finalists(sweep.id);
    expect(finalists.map(({ repetitions }) => repetitions.map(({ seed }) => seed))).toEqual([
      [7, 8, 9],
      [7, 8, 9],
    ]);
    const again = await Promise.all(
      (await under.trials()).slice(4).map(({ run_id }) => harness.store.runs.get(run_id)),
    );
    // Past all rungs, to the end.
    expect(again.every(({ certified_step, rung }) => certified_step === 40 && rung === 0)).toBe(true);
    expect(await under.decisions('finalists')).toEqual(['finalists']);
  });
});
