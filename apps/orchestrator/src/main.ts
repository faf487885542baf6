import { existsSync } from 'node:fs';
import { createGenerationActivities, createRunActivities, createSweepActivities } from '@murnau/activities';
import { orchestratorQueue } from '@murnau/contracts';
import { MurnauError, toMurnauError } from '@murnau/domain';
import { createAdvisorClient } from '@murnau/gpu-client';
import { createLogger } from '@murnau/logging';
import { createKeeper, createReconciler, createStarters, createTemporalClient } from '@murnau/orchestration';
import { createStore } from '@murnau/store';
import { connectPatiently, installRuntime } from '@murnau/temporal-worker';
import { Worker } from '@temporalio/worker';
import { bundlePath } from './bundle-path.js';
import { readEnvironment } from './env.js';
import { repeatedly } from './repeatedly.js';

const env = readEnvironment();
const log = createLogger({ part: 'orchestrator', level: env.LOG_LEVEL });

const startEveryMs = 2_000;
const reconcileEveryMs = 5_000;
const orderEveryMs = 10_000;
const keepEveryMs = 3_600_000;

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
  const advisor = createAdvisorClient(env.ADVISOR_ADDRESS);
  const deps = { store, client, advisor, galleryUrl: env.GALLERY_URL };
  const connection = await connectPatiently(temporal.address);
  const worker = await Worker.create({
    connection,
    namespace: temporal.namespace,
    taskQueue: orchestratorQueue,
    workflowBundle: { codePath: bundlePath },
    activities: {
      ...createSweepActivities(deps),
      ...createRunActivities(deps),
      ...createGenerationActivities(deps),
    },
    maxConcurrentActivityTaskExecutions: 20,
    maxHeartbeatThrottleInterval: '500 ms',
    defaultHeartbeatThrottleInterval: '500 ms',
    // How long a workflow waits for an orchestrator that was killed before another may take it.
    stickyQueueScheduleToStartTimeout: '3 s',
    shutdownGraceTime: '2 s',
    shutdownForceTime: '5 s',
  });
  const reconciler = createReconciler({
    store,
    client,
    starters: createStarters(deps),
    onRowFailed: ({ kind, id }, { code, message }) => log.warn({ [kind]: id, code }, message),
  });
  const stopStarting = repeatedly(
    { name: 'starting what is stored only', everyMs: startEveryMs, log },
    async () => {
      const started = await reconciler.startUnstarted();
      if (started > 0) log.info({ started }, 'started what was stored only');
    },
  );
  const stopReconciling = repeatedly(
    { name: 'reconciling with Temporal', everyMs: reconcileEveryMs, log },
    async () => {
      const treated = await reconciler.treatClosed();
      if (treated > 0) log.warn({ treated }, 'workflows had closed, or were lost, without storing an end');
    },
  );
  const stopOrdering = repeatedly({ name: 'ordering events', everyMs: orderEveryMs, log }, () =>
    store.events.order(),
  );
  const keeper = createKeeper({
    store,
    keptDays: { events: env.MURNAU_LIMIT_EVENT_DAYS, idempotencyKeys: env.MURNAU_LIMIT_KEY_DAYS },
    onRemoved: (what, count) => log.info({ what, count }, 'removed what is no longer kept'),
    onFailed: (what, { code, message }) => log.warn({ what, code }, `not all was removed: ${message}`),
  });
  const stopKeeping = repeatedly({ name: 'removing what is no longer kept', everyMs: keepEveryMs, log }, () =>
    keeper.keep(),
  );
  log.info({ queue: orchestratorQueue }, 'ready');
  try {
    await worker.run();
  } finally {
    advisor.close();
    await Promise.all([stopStarting(), stopReconciling(), stopOrdering(), stopKeeping()]);
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
