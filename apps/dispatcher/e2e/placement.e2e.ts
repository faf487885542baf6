import { trainQueue } from '@murnau/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Harness } from './harness.js';
import { startHarness } from './harness.js';
import { storeSweep, until } from './sweeps-under-test.js';

/** `TASK_QUEUE_TYPE_ACTIVITY` */
const activityQueue = 2;
const roomy = { slots: 16, stepMs: 20 };
let harness: Harness;
beforeAll(async () => {
  harness = await startHarness(roomy);
  for (let more = 0; more < 3; more += 1) await harness.addWorker(roomy);
  await until('four dispatchers that ask for work', async () => (await asking()) === 4);
});
afterAll(() => harness.stop());

async function asking(): Promise<number> {
  const { pollers } = await harness.client.workflowService.describeTaskQueue({
    namespace: 'default',
    taskQueue: { name: trainQueue('fake') },
    taskQueueType: activityQueue,
  });
  return new Set(pollers?.map(({ identity }) => identity)).size;
}

describe('the trials of a sweep', () => {
  it('are spread over the workers, though each could take them all', async () => {
    const { sweep } = await storeSweep(harness, { seeds: 12, steps: 5_000, max_concurrent_trials: 12 });
    await harness.starters.startSweep(sweep);
    const running = async (): Promise<number[]> =>
      (await harness.store.workers.list()).map((worker) => worker.running);
    await until(
      'twelve trials at work',
      async () => (await running()).reduce((sum, one) => sum + one, 0) === 12,
    );
    const spread = await running();
    expect(Math.max(...spread)).toBeLessThanOrEqual(5);
    expect(Math.min(...spread)).toBeGreaterThanOrEqual(1);
    await harness.starters.cancelSweep(sweep, 'tester');
  });
});
