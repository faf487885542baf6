import { createWorkerTrouble } from '@murnau/activities';
import { createGpuClient, startFakeWorker } from '@murnau/gpu-client';
import { createLogger } from '@murnau/logging';
import { describe, expect, it } from 'vitest';
import type { WorkerLook } from './worker-watch.js';
import { WorkerWatch } from './worker-watch.js';

const log = createLogger({ part: 'test', level: 'silent' });

async function until(condition: () => boolean): Promise<void> {
  for (let waited = 0; !condition(); waited += 10) {
    if (waited > 5_000) throw new Error('waited in vain');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe('worker watch', () => {
  it('sees a worker go and come back', async () => {
    let worker = await startFakeWorker();
    const port = Number(worker.address.split(':')[1]);
    const client = createGpuClient({ address: worker.address, timeoutMs: 1_000 });
    const watch = new WorkerWatch({ client, trouble: createWorkerTrouble(), log, onLook: () => undefined });
    expect(await watch.first()).toMatchObject({ slots: 2 });
    const running = watch.run();
    await until(() => watch.isHealthy());
    await worker.kill();
    watch.suspect();
    await until(() => !watch.isHealthy());
    worker = await startFakeWorker({ port });
    await until(() => watch.isHealthy());
    watch.stop();
    await running;
    client.close();
    await worker.kill();
  });

  it('tells a process that has ended from one that goes on, and is sure at once', async () => {
    let worker = await startFakeWorker();
    const port = Number(worker.address.split(':')[1]);
    const client = createGpuClient({ address: worker.address, timeoutMs: 1_000 });
    const watch = new WorkerWatch({ client, trouble: createWorkerTrouble(), log, onLook: () => undefined });
    await watch.first();
    const { incarnation } = watch;
    worker.dropStreams();
    expect(await watch.hasEnded(incarnation)).toBe(false);
    await worker.kill();
    expect(await watch.hasEnded(incarnation)).toBe(true);
    worker = await startFakeWorker({ port });
    expect(await watch.hasEnded(incarnation)).toBe(true);
    client.close();
    await worker.kill();
  });

  it('gives no work to a worker whose device makes no progress, until it does', async () => {
    const worker = await startFakeWorker();
    const client = createGpuClient({ address: worker.address, timeoutMs: 1_000 });
    const description = await client.describe();
    let age = 0;
    const watch = new WorkerWatch({
      client: { describe: () => Promise.resolve({ ...description, progress_age_s: age }) },
      trouble: createWorkerTrouble(),
      log,
      onLook: () => undefined,
    });
    await watch.first();
    const running = watch.run();
    for (const [progressAge, isHealthy] of [
      [299, true],
      [301, false],
      [0, true],
    ] as const) {
      age = progressAge;
      watch.lookNow();
      await until(() => watch.isHealthy() === isHealthy);
    }
    watch.stop();
    await running;
    client.close();
    await worker.kill();
  });

  it('gives no work to a worker that fails one run after another, until it is another process', async () => {
    let worker = await startFakeWorker();
    const port = Number(worker.address.split(':')[1]);
    const client = createGpuClient({ address: worker.address, timeoutMs: 1_000 });
    const trouble = createWorkerTrouble(2);
    let look: WorkerLook | undefined;
    const watch = new WorkerWatch({ client, trouble, log, onLook: (newest) => (look = newest) });
    const running = watch.run();
    await until(() => watch.isHealthy());
    trouble.failed('a', 'internal');
    trouble.failed('b', 'internal');
    watch.suspect();
    await until(() => look?.quarantineReason !== undefined);
    expect(watch.isHealthy()).toBe(false);
    await worker.kill();
    worker = await startFakeWorker({ port });
    await until(() => watch.isHealthy());
    watch.stop();
    await running;
    client.close();
    await worker.kill();
  });
});
