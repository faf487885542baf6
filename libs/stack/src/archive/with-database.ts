import { isAlive, startChild, stopProcess, withLock } from '@murnau/supervisor';
import { marksOf } from '../marked.js';
import { logOf, type StackPaths } from '../paths.js';
import { readState } from '../state.js';

const store = () => import('@murnau/store');

/** How long a database that a living stack is starting again is waited for. */
const readyMs = 30_000;
export const stopGraceMs = 15_000;

/** Runs work with the database of a data folder: with the one that the stack keeps, else with one that is started for it. */
export async function withDatabase<Result>(
  paths: StackPaths,
  work: (databaseUrl: string) => Promise<Result>,
): Promise<Result> {
  const kept = await keptDatabase(paths);
  if (kept !== undefined) return work(kept);
  return withLock(paths.upLock, async () => {
    // Somebody may have started the stack while we waited.
    const url = await keptDatabase(paths);
    return url === undefined ? withOwnDatabase(paths, work) : work(url);
  });
}

/** Of a stack whose supervisor lives. */
async function keptDatabase(paths: StackPaths): Promise<string | undefined> {
  const state = await readState(paths);
  if (state === null || !(await isAlive(state.supervisor))) return undefined;
  const { waitUntilReady } = await store();
  await waitUntilReady(state.database_url, { timeoutMs: readyMs });
  return state.database_url;
}

/** Starts the database, runs the work and stops it. To be called under `up.lock`, while no stack runs. */
export async function withOwnDatabase<Result>(
  paths: StackPaths,
  work: (databaseUrl: string) => Promise<Result>,
): Promise<Result> {
  const { preparePostgres, waitUntilReady } = await store();
  const plan = await preparePostgres({ home: paths.postgres });
  // A server that outlived its stack serves as well, and is left to the next start.
  if (plan.runningPid !== undefined) return work(plan.databaseUrl);
  const { command, args, cwd, uid, gid, stopSignal } = plan;
  const { identity } = await startChild(
    { command, args, cwd, env: {}, inheritsEnv: false, uid, gid, stopSignal, stopGraceMs },
    { env: { ...plan.env, ...marksOf(paths.home, 'postgres') }, log: logOf(paths, 'postgres') },
  );
  try {
    await waitUntilReady(plan.databaseUrl, { timeoutMs: readyMs });
    return await work(plan.databaseUrl);
  } finally {
    await stopProcess(identity, { stopSignal, graceMs: stopGraceMs });
  }
}
