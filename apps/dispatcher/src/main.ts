import { toMurnauError } from '@murnau/domain';
import { createLogger } from '@murnau/logging';
import { createStore } from '@murnau/store';
import { connectPatiently, installRuntime } from '@murnau/temporal-worker';
import type { NativeConnection } from '@temporalio/worker';
import { readEnvironment } from './env.js';
import { hostWorker } from './host-worker.js';
import { WorkerReport } from './worker-report.js';

const env = readEnvironment();
const log = createLogger({
  part: env.workers.length === 1 ? `dispatcher of ${env.workers[0]?.name}` : 'dispatcher',
  level: env.LOG_LEVEL,
});

async function main(): Promise<void> {
  installRuntime(log);
  const store = createStore({ databaseUrl: env.DATABASE_URL, blobDir: env.BLOB_DIR });
  // One for each worker: the SDK allows a connection one poller of a queue, and theirs are the same.
  const opened: NativeConnection[] = [];
  const connect = async (): Promise<NativeConnection> => {
    const connection = await connectPatiently(env.TEMPORAL_ADDRESS);
    opened.push(connection);
    return connection;
  };
  const report = new WorkerReport(store, log);
  const hosted = env.workers.map((worker) =>
    hostWorker({
      worker,
      store,
      report,
      hosted: env.workers.length,
      log: env.workers.length === 1 ? log : log.child({ worker: worker.name }),
      namespace: env.TEMPORAL_NAMESPACE,
      connect,
    }),
  );
  const quit = (): void => hosted.forEach((worker) => worker.quit());
  process.once('SIGTERM', quit).once('SIGINT', quit);
  try {
    await Promise.all(hosted.map((worker) => worker.run()));
  } finally {
    report.stop();
    await Promise.allSettled([...opened.map((connection) => connection.close()), store.close()]);
  }
}

try {
  await main();
  process.exit(0);
} catch (error) {
  log.fatal({ err: error, code: toMurnauError(error).code }, 'the dispatcher failed');
  process.exit(1);
}
