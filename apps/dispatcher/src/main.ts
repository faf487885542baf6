import {
  createGenerationActivities,
  createTrainingActivities,
  createWorkerTrouble,
} from '@murnau/activities';
import { MurnauError, toMurnauError } from '@murnau/domain';
import { createGpuClient } from '@murnau/gpu-client';
import { createLogger } from '@murnau/logging';
import { createStore } from '@murnau/store';
import { connectPatiently, installRuntime } from '@murnau/temporal-worker';
import { readEnvironment } from './env.js';
import { GatedSlots } from './gated-slots.js';
import { createPollers } from './pollers.js';
import { createWorkerReport } from './worker-report.js';
import { WorkerWatch } from './worker-watch.js';

const env = readEnvironment();
const log = createLogger({ part: `dispatcher of ${env.WORKER_NAME}`, level: env.LOG_LEVEL });

/** Interactive work at once: it shares the device with training. */
const generateSlotCount = 2;

async function main(): Promise<void> {
  installRuntime(log);
  const store = createStore({ databaseUrl: env.DATABASE_URL, blobDir: env.BLOB_DIR });
  const client = createGpuClient({ address: env.WORKER_ADDRESS, timeoutMs: 2_000 });
  const trouble = createWorkerTrouble();
  const trainSlots = new Map<string, GatedSlots>();
  const generateSlots = new GatedSlots(generateSlotCount);
  const self = { name: env.WORKER_NAME, address: env.WORKER_ADDRESS };
  const report = createWorkerReport(self, store, log, () => {
    log.info('the quarantine was lifted by hand');
    trouble.reset();
    watch.lookNow();
  });
  let models: readonly string[] = [];

  const watch = new WorkerWatch({
    client,
    trouble,
    log,
    onLook: (look) => {
      const { isHealthy, description } = look;
      for (const slots of trainSlots.values()) slots.setOpen(isHealthy, description.slots);
      generateSlots.setOpen(isHealthy);
      report(look);
      const served = description.models.map(({ name }) => name);
      if (models.length > 0 && served.join() !== models.join()) {
        log.warn({ models, served }, 'the worker serves other models now: starting again');
        process.exit(1);
      }
    },
  });
  // Before the SDK's own handlers are there, a signal must end the waiting.
  const quit = (): void => watch.stop();
  process.once('SIGTERM', quit).once('SIGINT', quit);
  const description = await watch.first();
  if (description === undefined) return;
  models = description.models.map(({ name }) => name);
  for (const model of models) trainSlots.set(model, new GatedSlots(description.slots));

  const health = { isHealthy: () => watch.isHealthy(), onSuspect: () => watch.suspect() };
  const connection = await connectPatiently(env.TEMPORAL_ADDRESS);
  const pollers = await createPollers({
    connection,
    namespace: env.TEMPORAL_NAMESPACE,
    models,
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
      workerName: env.WORKER_NAME,
      running: () => [...trainSlots.values()].reduce((sum, slots) => sum + slots.running, 0),
      ...health,
    }),
    generation: createGenerationActivities({ store, client, ...health }),
  });
  log.info({ models, slots: description.slots, worker: env.WORKER_ADDRESS }, 'ready');
  try {
    const watching = watch.run();
    await Promise.all(pollers.map((poller) => poller.run()));
    watch.stop();
    await watching;
    await store.workers.remove(env.WORKER_NAME).catch(() => undefined);
  } finally {
    client.close();
    await Promise.allSettled([connection.close(), store.close()]);
  }
}

try {
  await main();
  process.exit(0);
} catch (error) {
  log.fatal({ err: error, code: toMurnauError(error).code }, 'the dispatcher failed');
  process.exit(1);
}
