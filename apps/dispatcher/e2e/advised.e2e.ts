import { join } from 'node:path';
import type { SweepFileInput } from '@murnau/domain';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Harness } from './harness.js';
import { freePort, Program, root, startHarness } from './harness.js';
import type { SweepUnderTest } from './sweeps-under-test.js';
import { storeSweep, until } from './sweeps-under-test.js';

let harness: Harness;
let advisor: Program;
beforeAll(async () => {
  const address = `127.0.0.1:${await freePort()}`;
  harness = await startHarness({ stepMs: 5, slots: 4 }, { ADVISOR_ADDRESS: address });
  advisor = new Program(
    join(root, 'python-worker/.venv/bin/python'),
    ['-m', 'murnau_worker', 'advise', '--listen', address],
    {},
    join(harness.folder, 'advisor.log'),
  );
});
afterAll(async () => {
  await advisor.stop();
  await harness.stop();
});

const search = {
  method: 'tpe',
  run_cap: 8,
  seed: 5,
  parameters: {
    pair: { values: [{ placeholder: 'sapsan', initializer: 'train' }] },
    learning_rate_t1: { distribution: 'log_uniform', min: 0.01, max: 0.5 },
    max_steps: { value: 20 },
  },
} satisfies Partial<SweepFileInput>;

async function ratesOf(under: SweepUnderTest): Promise<number[]> {
  const runs = await Promise.all((await under.trials()).map(({ run_id }) => harness.store.runs.get(run_id)));
  return runs.map(({ spec }) => spec.learning_rate_t1);
}

describe('an advised search', () => {
  it('waits for an advisor that is away, then runs every trial that it suggests', async () => {
    const under = await storeSweep(harness, search);
    expect(under.sweep.trials).toBe(0);
    await harness.starters.startSweep(under.sweep);
    const handle = harness.client.workflow.getHandle(under.sweep.workflow_id);
    await until(
      'a first decision',
      async () => (await handle.query<{ chain: number }>('status')).chain === 0,
    );
    expect(await under.trials()).toEqual([]);
    advisor.start();
    expect(await under.ended()).toMatchObject({ phase: 'finished', counts: { finished: 8 } });
    expect(await under.decisions('suggest')).toEqual(Array.from({ length: 8 }, (_, n) => `suggest ${n}`));
    expect(new Set(await ratesOf(under)).size).toBe(8);
  });

  it('is the same again where the order is kept, although the advisor and the orchestrator die', async () => {
    const ordered = { ...search, ordered: true };
    const first = await storeSweep(harness, ordered);
    await harness.starters.startSweep(first.sweep);
    expect(await first.ended()).toMatchObject({ phase: 'finished', counts: { finished: 8 } });
    const second = await storeSweep(harness, ordered);
    await harness.starters.startSweep(second.sweep);
    await until('three trials', async () => (await second.trials()).length >= 3);
    await Promise.all([advisor.stop(), harness.orchestrator.stop()]);
    advisor.start();
    harness.orchestrator.start();
    expect(await second.ended()).toMatchObject({ phase: 'finished', counts: { finished: 8 } });
    expect(await ratesOf(second)).toEqual(await ratesOf(first));
  });

  it('passes over what a rule across fields forbids, and comes to its end', async () => {
    const under = await storeSweep(harness, {
      ...search,
      run_cap: 24,
      max_concurrent_trials: 4,
      parameters: {
        pair: search.parameters.pair,
        batch_size: { distribution: 'log_int_uniform', min: 8, max: 64 },
        gradient_accumulation_steps: { distribution: 'log_int_uniform', min: 2, max: 16 },
        max_steps: { value: 10 },
      },
    });
    await harness.starters.startSweep(under.sweep);
    expect(await under.ended()).toMatchObject({ phase: 'finished', counts: { finished: 24 } });
    expect((await under.decisions('forbid')).length).toBeGreaterThan(0);
    for (const { run_id } of await under.trials()) {
      const { spec } = await harness.store.runs.get(run_id);
      expect(spec.batch_size * spec.gradient_accumulation_steps).toBeLessThanOrEqual(256);
    }
  });

  it('fails with the rule where nothing that is permitted is suggested, and ends what runs', async () => {
    const under = await storeSweep(harness, {
      ...search,
      parameters: {
        pair: search.parameters.pair,
        batch_size: { distribution: 'int_uniform', min: 63, max: 64 },
        gradient_accumulation_steps: { distribution: 'int_uniform', min: 15, max: 16 },
      },
    });
    await harness.starters.startSweep(under.sweep);
    const ended = await under.ended();
    expect(ended).toMatchObject({ phase: 'failed', failure: { code: 'spec.invalid' } });
    expect(ended.failure?.message).toMatch(/20 suggestions in a row are forbidden, .*256 or less/);
    expect(await under.decisions('forbid')).toEqual(Array(20).fill('forbid 0'));
    expect(await under.trials()).toEqual([]);
  });
});
