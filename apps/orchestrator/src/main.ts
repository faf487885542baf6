import { existsSync } from 'node:fs';
import { createBookkeepingActivities, createStarters, createTemporalClient } from '@murnau/activities';
import { MurnauError, orchestratorQueue, toMurnauError } from '@murnau/domain';
import { createLogger } from '@murnau/logging';
import { createStore } from '@murnau/store';
import { Worker } from '@temporalio/worker';
import { bundlePath } from './bundle-path.js';
import { readEnvironment } from './env.js';
import { startStoredForever } from './start-stored-forever.js';
import { connectPatiently, installRuntime } from './temporal-runtime.js';

const env = readEnvironment();
const log = createLogger({ part: 'orchestrator', level: env.LOG_LEVEL });

async function main(): Promise<void> {
  if (!existsSync(bundlePath)) {
    throw new MurnauError(
      'setup.part_failed',
      `The workflow bundle is missing: ${bundlePath}. Run \`npm run bundle\`.`,
    );
  }
  installRuntime(log);
  const store = createStore({ databaseUrl: env.DATABASE_URL, blobDir: env.BLOB_DIR });
  const temporal = { address: env.TEMPORAL_ADDRESS, namespace: env.TEMPORAL_NAMESPACE };
  const client = createTemporalClient(temporal);
  const deps = { store, client, galleryUrl: env.GALLERY_URL };
  const connection = await connectPatiently(temporal.address);
  const worker = await Worker.create({
    connection,
    namespace: temporal.namespace,
    taskQueue: orchestratorQueue,
    workflowBundle: { codePath: bundlePath },
    activities: { ...createBookkeepingActivities(deps) },
    maxConcurrentActivityTaskExecutions: 20,
    maxHeartbeatThrottleInterval: '500 ms',
    defaultHeartbeatThrottleInterval: '500 ms',
    // How long a workflow waits for an orchestrator that was killed before another may take it.
    stickyQueueScheduleToStartTimeout: '3 s',
    shutdownGraceTime: '2 s',
    shutdownForceTime: '5 s',
  });
  const stopStarting = startStoredForever({ store, starters: createStarters(deps) }, log);
  log.info({ queue: orchestratorQueue }, 'ready');
  try {
    await worker.run();
  } finally {
    await stopStarting();
    await Promise.allSettled([connection.close(), client.connection.close(), store.close()]);
  }
}

try {
  await main();
  process.exit(0);
} catch (error) {
  log.fatal({ err: error, code: toMurnauError(error).code }, 'the orchestrator failed');
  process.exit(1);
}
