import type { Part } from '@murnau/supervisor';
import type { StackPaths } from '../paths.js';

/** Loaded when first needed: the supervisor has slower parts to start before. */
const store = () => import('@murnau/store');

export interface PostgresPart extends Part {
  /** Known once the first plan was made. */
  databaseUrl(): string;
}

export function postgresPart(paths: StackPaths): PostgresPart {
  let databaseUrl = '';
  return {
    name: 'postgres',
    needs: [],
    databaseUrl: () => databaseUrl,
    async plan() {
      const plan = await (await store()).preparePostgres({ home: paths.postgres });
      databaseUrl = plan.databaseUrl;
      const { command, args, cwd, env, uid, gid, stopSignal } = plan;
      return { command, args, cwd, env, inheritsEnv: false, uid, gid, stopSignal, stopGraceMs: 15_000 };
    },
    async isReady(_pid, signal) {
      await (await store()).waitUntilReady(databaseUrl, { timeoutMs: 60_000, signal });
      return true;
    },
    async afterReady() {
      const opened = (await store()).createStore({ databaseUrl, blobDir: paths.blobs });
      try {
        await opened.migrate();
      } finally {
        await opened.close();
      }
    },
  };
}
