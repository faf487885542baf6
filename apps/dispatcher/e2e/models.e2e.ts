import { generationRequestSchema, parse } from '@murnau/domain';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Harness } from './harness.js';
import { startHarness } from './harness.js';
import { MortalWorker } from './mortal-worker.js';
import { storeSweep, until } from './sweeps-under-test.js';

const models = ['fake', 'other'];
const slots = 1;
let harness: Harness;
beforeAll(async () => {
  harness = await startHarness({ models, slots, mostRuns: slots, stepMs: 10 });
});
afterAll(() => harness.stop());

describe('two models on one worker', () => {
  it('have equal parts of it, and nothing is claimed before there is room', async () => {
    const seeds = 10;
    const sweeps = await Promise.all(models.map((model) => storeSweep(harness, { model, seeds, steps: 20 })));
    for (const { sweep } of sweeps) await harness.starters.startSweep(sweep);
    const finished = (): Promise<number[]> => Promise.all(sweeps.map(({ count }) => count('finished')));
    const sum = async (): Promise<number> => (await finished()).reduce((all, one) => all + one, 0);
    await until('half of all trials', async () => (await sum()) >= seeds);
    const parts = await finished();
    const total = parts.reduce((all, one) => all + one, 0);
    expect(Math.min(...parts)).toBeGreaterThanOrEqual(0.4 * total - 1);
    for (const under of sweeps) {
      expect((await under.ended()).phase).toBe('finished');
      for (const { run_id } of await under.trials()) {
        expect((await harness.store.runs.get(run_id)).restarts).toEqual({});
        const kinds = (await harness.store.events.list({ runId: run_id })).map(({ kind }) => kind);
        expect(kinds.filter((kind) => kind === 'claimed')).toHaveLength(1);
      }
    }
    expect(harness.workers[0]?.refusals).toBe(0);
  });
});

describe('a word check', () => {
  /** Within the time that a check may take; what ran into it is an error. */
  const check = async (model: string): Promise<void> => {
    const words = [{ placeholder_token: 'sapsan', initializer_token: 'bird' }];
    expect(await harness.starters.checkTokens({ model, words })).toEqual([]);
  };

  it('is answered while both models idle', async () => {
    for (let round = 0; round < 5; round += 1) for (const model of models) await check(model);
  });

  it('is answered while the worker draws and trains all it can', async () => {
    const request = (model: string) =>
      parse(
        generationRequestSchema,
        { task: 'text2img', model, prompt: 'a hat', count: 64, num_steps: 50 },
        'generation',
      );
    const generations = await Promise.all(
      [...models, ...models].map((model) =>
        harness.store.generations.create({ owner: 'tester', request: request(model) }),
      ),
    );
    for (const generation of generations) await harness.starters.startGeneration(generation);
    const run = await harness.createRun({ max_steps: 5_000 });
    await harness.starters.startTrainingRun(run);
    const [worker] = harness.workers;
    await until('two drawings and a run', () => worker?.drawings.size === 2 && worker.sessions.size === 1);
    for (const model of models) await check(model);
    await Promise.all(generations.map((one) => harness.starters.cancelGeneration(one, 'tester')));
    await harness.starters.cancelRun(run, 'tester');
  });
});

describe('a worker that serves other models', () => {
  it('is taken up again for them, and no other worker of its dispatcher is disturbed', async () => {
    const steady = await MortalWorker.start({ models: ['steady'], stepMs: 20 });
    const changing = await MortalWorker.start({ models: ['before'] });
    const dispatcher = harness.addDispatcher('both', steady.address, {
      WORKERS: `steady=${steady.address},changing=${changing.address}`,
    });
    const undisturbed = await harness.createRun({ model: 'steady', max_steps: 400 });
    await harness.starters.startTrainingRun(undisturbed);
    const on = async (model: string): Promise<string> => {
      const run = await harness.createRun({ model });
      await harness.starters.startTrainingRun(run);
      return (await harness.ended(run.id)).phase;
    };
    expect(await on('before')).toBe('finished');
    for (const model of ['after', 'before']) {
      await changing.die({ models: [model] });
      expect(await on(model)).toBe('finished');
    }
    expect(await harness.ended(undisturbed.id)).toMatchObject({ phase: 'finished', restarts: {} });
    expect((await harness.store.runs.details(undisturbed.id)).epoch).toBe(1);
    expect(dispatcher.isRunning).toBe(true);
    await Promise.all([steady.stop(), changing.stop()]);
  });
});
