import {
  createDrawingActivities,
  createTextActivities,
  createTrainingActivities,
  createWorkerTrouble,
} from '@murnau/activities';
import { MurnauError } from '@murnau/domain';
import { createGpuClient } from '@murnau/gpu-client';
import type { Logger } from '@murnau/logging';
import type { Store } from '@murnau/store';
import type { NativeConnection } from '@temporalio/worker';
import { GatedSlots } from './gated-slots.js';
import { createPollers } from './pollers.js';
import type { WorkerReport } from './worker-report.js';
import { WorkerWatch } from './worker-watch.js';

/** Interactive work at once: it shares the device with training. */
const generateSlotCount = 2;

interface HostOptions {
  readonly worker: { readonly name: string; readonly address: string };
  readonly store: Store;
  readonly log: Logger;
  readonly report: WorkerReport;
  /** Workers that this process hosts, this one included. */
  readonly hosted: number;
  readonly namespace: string;
  /** Called when the worker has answered first. */
  readonly connect: () => Promise<NativeConnection>;
}

interface HostedWorker {
  /** Resolves when it takes no work any more. */
  run(): Promise<void>;
  /** Before the SDK's own handlers are there, a signal must end the waiting. */
  quit(): void;
}

/** Takes work for one GPU worker: its watch, its slots, its claims, its pollers. A process may host several. */
export function hostWorker(options: HostOptions): HostedWorker {
  const { worker, store, log, report, namespace, connect } = options;
  // A process of fifty workers sends no more than fifty heartbeats a second: Temporal writes each of them down.
  const heartbeatIntervalMs = Math.min(1_000, Math.max(500, options.hosted * 20));
  const client = createGpuClient({ address: worker.address, timeoutMs: 2_000 });
  const trouble = createWorkerTrouble();
  const trainSlots = new Map<string, GatedSlots>();
  const generateSlots = new GatedSlots(generateSlotCount);
  const lift = (): void => {
    log.info('the quarantine was lifted by hand');
    trouble.reset();
    watch.lookNow();
  };
  let models: readonly string[] = [];

  const watch = new WorkerWatch({
    client,
    trouble,
    log,
    // One process looks at no more than ten workers a second: their streams tell of most troubles.
    healthyIntervalMs: Math.max(1_000, options.hosted * 100),
    onLook: (look) => {
      const { isHealthy, description } = look;
      for (const slots of trainSlots.values()) slots.setOpen(isHealthy, description.slots);
      generateSlots.setOpen(isHealthy);
      report.seen(worker, look, lift);
      const served = description.models.map(({ name }) => name);
      if (models.length > 0 && served.join() !== models.join()) {
        log.warn({ models, served }, 'the worker serves other models now: starting again');
        process.exit(1);
      }
    },
  });

  const run = async (): Promise<void> => {
    const description = await watch.first();
    if (description === undefined) return;
    models = description.models.map(({ name }) => name);
    for (const model of models) trainSlots.set(model, new GatedSlots(description.slots));
    const health = { isHealthy: () => watch.isHealthy(), onSuspect: () => watch.suspect() };
    const onWorker = { store, client, ...health };
    const pollers = await createPollers({
      connection: await connect(),
      namespace,
      models,
      heartbeatIntervalMs,
      trainSlots: (model) => {
        const slots = trainSlots.get(model);
        if (slots === undefined) throw new MurnauError('internal', `no slots for ${model}`);
        return slots;
      },
      generateSlots,
      training: createTrainingActivities({
        store,
        client,
        trouble,
        workerName: worker.name,
        heartbeatIntervalMs,
        running: () => [...trainSlots.values()].reduce((sum, slots) => sum + slots.running, 0),
        ...health,
      }),
      generation: { ...createDrawingActivities(onWorker), ...createTextActivities(onWorker) },
    });
    log.info({ models, slots: description.slots, worker: worker.address }, 'ready');
    const watching = watch.run();
    await Promise.all(pollers.map((poller) => poller.run()));
    watch.stop();
    await watching;
    report.forget(worker.name);
    await store.workers.remove(worker.name).catch(() => undefined);
  };
  return { run: () => run().finally(() => client.close()), quit: () => watch.stop() };
}
