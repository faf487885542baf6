import { rm } from 'node:fs/promises';
import { stackPaths, type StackPaths } from './paths.js';
import { findByEnvironment, isAlive } from './processes/identity.js';
import { withLockIfPossible } from './processes/lock.js';
import { signal, stopProcess, waitUntilGone } from './processes/stop.js';
import { readState, type StackState } from './state.js';
import { stackMark } from './supervisor/child.js';

/** Longer than the slowest part's own grace in each tier. */
const supervisorGraceMs = 45_000;

/**
 * Stops the stack: what hands out work first, the database last. Parts whose supervisor died are stopped all the same.
 * @returns whether anything was running
 */
export async function stopStack(options: { home?: string | undefined } = {}): Promise<boolean> {
  const paths = stackPaths(options.home);
  const hadSupervisor = await stopSupervisor(paths);
  if ((await readState(paths)) === null && (await findByEnvironment(stackMark, paths.home)).length === 0)
    return hadSupervisor;
  return withLockIfPossible(paths.upLock, async () => {
    // Its guard may have put another in its place.
    const hadAnother = await stopSupervisor(paths);
    return (await stopLeftovers(paths)) || hadAnother || hadSupervisor;
  });
}

/** @returns whether one was alive */
async function stopSupervisor(paths: StackPaths): Promise<boolean> {
  const state = await readState(paths);
  if (state === null || !(await isAlive(state.supervisor))) return false;
  const { supervisor } = state;
  signal(supervisor.pid, 'SIGTERM');
  signal(supervisor.pid, 'SIGCONT');
  if (!(await waitUntilGone(supervisor, supervisorGraceMs))) signal(supervisor.pid, 'SIGKILL');
  return true;
}

async function stopLeftovers(paths: StackPaths): Promise<boolean> {
  const state: StackState | null = await readState(paths);
  let stopped = 0;
  for (const part of [...(state?.parts ?? [])].reverse()) {
    if (part.pid === undefined || part.started === undefined) continue;
    const identity = { pid: part.pid, started: part.started };
    if (!(await isAlive(identity))) continue;
    stopped += 1;
    await stopProcess(identity, {
      stopSignal: (part.stop_signal ?? 'SIGTERM') as NodeJS.Signals,
      graceMs: 10_000,
    });
  }
  for (const identity of await findByEnvironment(stackMark, paths.home)) {
    if (identity.pid === process.pid) continue;
    stopped += 1;
    await stopProcess(identity, { stopSignal: 'SIGTERM', graceMs: 3_000 });
  }
  // What cannot be removed, of a disk that only reads, names processes that are gone.
  await rm(paths.state, { force: true }).catch(() => {});
  return stopped > 0;
}
