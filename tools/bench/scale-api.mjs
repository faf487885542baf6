// `npm run -s bench:scale -- --api-only --trials N`: what viewers of a sweep of N trials wait for, beside one of 100 in
// the same run. The database and the api only: trials are written as dispatchers would, without Temporal.
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createStore, startPrivateTestPostgres } from '@murnau/store';
import { finishTrials, seedLargeSweep } from '../../apps/api/dist/testing/seed-large.js';
import { seedDataset, seedRun, seedWorker } from '../../apps/api/dist/testing/seed.js';
import { startApi, stopAll } from './hosts.mjs';
import { figuresOf, headersOf, look, openStreams, watch } from './viewers.mjs';

const smallTrials = 100;
/** Trials that end one by one while viewers look: ten a second. */
const liveTrials = 200;
const everyMs = 100;

/** A database and an api of their own, for a sweep. @returns what is asked of them; `close` ends and removes them */
async function openSide() {
  const home = await mkdtemp(join(tmpdir(), 'murnau-bench-'));
  const postgres = await startPrivateTestPostgres();
  const databaseUrl = await postgres.createDatabase();
  const store = createStore({ databaseUrl, blobDir: join(home, 'blobs') });
  await store.migrate();
  const token = randomBytes(16).toString('hex');
  const api = { url: await startApi({ databaseUrl, home, token }), token };
  const answers = () => fetch(`${api.url}/v1/info`, { headers: headersOf(api) }).catch(() => ({}));
  while (!(await answers()).ok) await sleep(50);
  const dataset = await seedDataset(store);
  await seedWorker(store);
  await seedRun(store, dataset.id);
  const close = async () => {
    await store.close();
    await postgres.stop();
    await rm(home, { recursive: true, force: true });
  };
  return { api, store, dataset, home, close };
}

/** What every look is compared with: a sweep of a hundred trials that have finished. */
export async function openSmallSide() {
  const side = await openSide();
  const { id } = await seedLargeSweep(side.store, side.dataset.id, smallTrials);
  await finishTrials(side.store, await trialsOf(side.store, id));
  await side.store.sweeps.end(id, { phase: 'finished' });
  return { ...side, sweepId: id };
}

export async function measureApi(trials, say) {
  const small = await openSmallSide();
  const side = await openSide();
  const { api, store, dataset, home } = side;
  try {
    const { id } = await seedLargeSweep(store, dataset.id, trials);
    const ids = await trialsOf(store, id);
    const live = ids.slice(-Math.min(liveTrials, trials / 2));
    await finishTrials(store, ids.slice(0, -live.length));
    const sides = [small, { api, sweepId: id }];
    say(`a sweep of ${trials} trials, at rest`);
    const rest = await look(sides);
    say('and while it runs');
    const watched = watch(api, id, home);
    const streams = openStreams(api, id);
    let isLooking = true;
    const looking = look(sides).finally(() => (isLooking = false));
    for (const runId of live) {
      await finishTrials(store, [runId]);
      await sleep(isLooking ? everyMs : 0);
    }
    const running = await looking;
    await store.sweeps.end(id, { phase: 'finished' });
    const { code, ended } = await watched;
    return {
      trials,
      watch_ok: code === 0 && ended === trials,
      watched_ends: ended,
      streams_ended: await streams,
      ...figuresOf({ rest, running }),
    };
  } finally {
    stopAll();
    await Promise.allSettled([small.close(), side.close()]);
  }
}

const trialsOf = async (store, id) => (await store.sweeps.trials(id)).map(({ run_id }) => run_id);
