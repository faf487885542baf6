import {
  createDrawingActivities,
  createTextActivities,
  createTrainingActivities,
  createWorkerTrouble,
} from '@murnau/activities';
import { generateQueue, textQueue, trainQueue } from '@murnau/contracts';
import { createGpuClient } from '@murnau/gpu-client';
import type { Logger } from '@murnau/logging';
import type { Store } from '@murnau/store';
import type { NativeConnection } from '@temporalio/worker';
import type { PolledQueue } from './pollers.js';
import { Pollers } from './pollers.js';
import type { WorkerReport } from './worker-report.js';
import { WorkerRoom } from './worker-room.js';
import { WorkerWatch } from './worker-watch.js';

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

/** What takes the work of the models that a worker serves now. */
interface Serving {
  readonly models: readonly string[];
  readonly room: WorkerRoom;
  readonly pollers: Pollers;
}

/** Takes work for one GPU worker: its watch, its room, its claims, its pollers. A process may host several. */
export function hostWorker(options: HostOptions): HostedWorker {
  const { worker, store, log, report, namespace, connect } = options;
  // A process of fifty workers sends no more than fifty heartbeats a second: Temporal writes each of them down.
  const heartbeatIntervalMs = Math.min(1_000, Math.max(500, options.hosted * 20));
  const client = createGpuClient({ address: worker.address, timeoutMs: 2_000 });
  const trouble = createWorkerTrouble();
  const lift = (): void => {
    log.info('the quarantine was lifted by hand');
    trouble.reset();
    watch.lookNow();
  };
  let serving: Serving | undefined;
  let hasQuit = false;
  let isChanging = false;
  let serves: readonly string[] = [];

  const watch = new WorkerWatch({
    client,
    trouble,
    log,
    // One process looks at no more than ten workers a second: their streams tell of most troubles.
    healthyIntervalMs: Math.max(1_000, options.hosted * 100),
    onLook: (look) => {
      const { isHealthy, description } = look;
      serves = description.models.map(({ name }) => name);
      report.seen(worker, look, lift);
      if (serving === undefined) return;
      const isSame = serves.join() === serving.models.join();
      serving.room.setOpen(isHealthy && isSame, description.slots);
      if (isSame || isChanging) return;
      log.warn({ models: serving.models, serves }, 'the worker serves other models now');
      isChanging = true;
      serving.pollers.shutdown();
    },
  });

  function queuesOf(model: string, room: WorkerRoom): PolledQueue[] {
    const health = {
      isHealthy: () => watch.isHealthy(),
      onSuspect: () => watch.suspect(),
      incarnation: () => watch.incarnation,
      hasEnded: (incarnation: string) => watch.hasEnded(incarnation),
    };
    const [training, drawing] = [room.door('training'), room.door('drawing')];
    return [
      {
        taskQueue: trainQueue(model),
        slots: training.slots,
        activities: createTrainingActivities({
          store,
          client,
          trouble,
          workerName: worker.name,
          heartbeatIntervalMs,
          running: () => room.training,
          door: training.door,
          ...health,
        }),
      },
      {
        taskQueue: generateQueue(model),
        slots: drawing.slots,
        activities: createDrawingActivities({ store, client, door: drawing.door, ...health }),
      },
      {
        taskQueue: textQueue(model),
        slots: room.text(),
        activities: createTextActivities({ store, client, ...health }),
      },
    ];
  }

  /** Takes work until a signal comes, or the worker serves other models. */
  async function serve(connection: NativeConnection, slots: number): Promise<void> {
    isChanging = false;
    const models = serves;
    const room = new WorkerRoom(slots);
    const queues = models.flatMap((model) => queuesOf(model, room));
    const pollers = await Pollers.create({ connection, namespace, heartbeatIntervalMs }, queues);
    if (hasQuit) return;
    serving = { models, room, pollers };
    room.setOpen(watch.isHealthy(), slots);
    log.info({ models, slots, worker: worker.address }, 'ready');
    try {
      await pollers.run();
    } catch (error) {
      // Tasks that are not given up in time are tried again when their heartbeats are missed.
      if (!isChanging) throw error;
      log.warn({ err: error }, 'not every task was given up in time');
    }
    serving = undefined;
  }

  const run = async (): Promise<void> => {
    const description = await watch.first();
    if (description === undefined) return;
    const watching = watch.run();
    const connection = await connect();
    do await serve(connection, description.slots);
    while (isChanging && !hasQuit);
    watch.stop();
    await watching;
    report.forget(worker.name);
    await store.workers.remove(worker.name).catch(() => undefined);
  };
  return {
    run: () => run().finally(() => client.close()),
    quit: () => {
      hasQuit = true;
      watch.stop();
    },
  };
}
