import { join } from 'node:path';
import { toMurnauError } from '@murnau/domain';
import { createAdvisorClient } from '@murnau/gpu-client';
import { createLogger } from '@murnau/logging';
import { createStarters, createTemporalClient } from '@murnau/orchestration';
import { createStore } from '@murnau/store';
import { limitsOf, readEnvironment } from './env.js';
import { createServer } from './server.js';
import { version } from './version.js';

const TEMPORAL_PING_MS = 2_000;
/** A page waits for it. */
const ADVISOR_MS = 3_000;

async function main(): Promise<void> {
  const env = readEnvironment();
  const log = createLogger({ part: 'api', level: env.LOG_LEVEL });
  const store = createStore({ databaseUrl: env.DATABASE_URL, blobDir: env.BLOB_DIR });
  const client = createTemporalClient({ address: env.TEMPORAL_ADDRESS, namespace: env.TEMPORAL_NAMESPACE });
  const advisor = createAdvisorClient(env.ADVISOR_ADDRESS, { timeoutMs: ADVISOR_MS });
  const server = await createServer({
    identity: {
      version,
      owner: env.MURNAU_OWNER,
      host: env.API_HOST,
      token: env.API_TOKEN,
      galleryUrl: env.GALLERY_URL,
      allowedHosts: env.API_ALLOWED_HOSTS,
      healthName: env.MURNAU_HEALTH_NAME,
      temporalAddress: env.TEMPORAL_ADDRESS,
      temporalUiUrl: env.TEMPORAL_UI_URL,
      namespace: env.TEMPORAL_NAMESPACE,
    },
    store,
    starters: createStarters({ client, store, galleryUrl: env.GALLERY_URL }),
    advisor,
    pingTemporal: async () => {
      await client.connection.withDeadline(Date.now() + TEMPORAL_PING_MS, () =>
        client.workflowService.getSystemInfo({}),
      );
    },
    renditionDir: join(env.BLOB_DIR, 'renditions'),
    limits: limitsOf(env),
    log,
  });
  const stop = (signal: NodeJS.Signals): void => {
    log.info({ signal }, 'stopping');
    void server
      .close()
      .then(() => {
        advisor.close();
        return store.close();
      })
      .finally(() => process.exit(0));
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  await server.listen({ host: env.API_HOST, port: env.API_PORT });
  log.info({ host: env.API_HOST, port: env.API_PORT, owner: env.MURNAU_OWNER }, 'listening');
}

main().catch((error: unknown) => {
  const { code, message, kind } = toMurnauError(error);
  createLogger({ part: 'api' }).fatal({ err: error, code, next_step: kind.nextStep }, message);
  process.exit(1);
});
