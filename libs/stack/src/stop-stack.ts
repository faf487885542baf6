import { rm } from 'node:fs/promises';
import { MurnauError } from '@murnau/domain';
import { isAlive, type ProcessIdentity, stopProcess, withLockIfPossible } from '@murnau/supervisor';
import { stackPaths, type StackPaths } from './paths.js';
import { findMarked, type MarkedProcess } from './marked.js';
import { readState } from './state.js';

/** Longer than the slowest part's own grace in each tier. */
const supervisorGraceMs = 45_000;
/** What was being started at one look is there at the next; more is not of our making. */
const looks = 5;

/**
 * Stops the stack: what hands out work first, the database last. Its processes are found by what they carry as well as
 * by the files, so that a folder that was removed, or emptied, hides none.
 * @returns whether anything was running
 * @throws MurnauError `setup.part_failed` where something does not end
 */
export async function stopStack(options: { home?: string | undefined } = {}): Promise<boolean> {
  const paths = stackPaths(options.home);
  const hadSupervisor = await stopKeepers(paths);
  if ((await readState(paths)) === null && (await findMarked(paths.home)).length === 0) return hadSupervisor;
  return withLockIfPossible(paths.upLock, async () => {
    let hadAny = hadSupervisor;
    for (let look = 0; look < looks; look += 1) {
      // Somebody who started the stack meanwhile may have put another supervisor in its place.
      const hadKeepers = await stopKeepers(paths);
      const hadParts = await stopParts(paths);
      if (!hadKeepers && !hadParts) break;
      hadAny = true;
    }
    const left = await findMarked(paths.home);
    if (left.length > 0) throw notStopped(left);
    // What cannot be removed, of a disk that only reads, names processes that are gone.
    await rm(paths.state, { force: true }).catch(() => {});
    return hadAny;
  });
}

/** Guards, then supervisors: these stop their parts in order. @returns whether one was alive */
async function stopKeepers(paths: StackPaths): Promise<boolean> {
  const [state, marked] = await Promise.all([readState(paths), findMarked(paths.home)]);
  const of = (name: string, known: ProcessIdentity | undefined): ProcessIdentity[] => [
    ...(known ? [known] : []),
    ...marked.filter(({ part }) => part === name).map(({ identity }) => identity),
  ];
  let stopped = false;
  for (const guard of of('guard', state?.guard)) {
    stopped = (await stopAlive(guard, 'SIGTERM', 3_000)) || stopped;
  }
  for (const supervisor of of('supervisor', state?.supervisor)) {
    stopped = (await stopAlive(supervisor, 'SIGTERM', supervisorGraceMs)) || stopped;
  }
  return stopped;
}

/** What a supervisor that died has left, and what it could not end. @returns whether one was alive */
async function stopParts(paths: StackPaths): Promise<boolean> {
  const state = await readState(paths);
  let stopped = false;
  for (const { pid, started, stop_signal: stopSignal } of [...(state?.parts ?? [])].reverse()) {
    if (pid === undefined || started === undefined) continue;
    const signal = (stopSignal ?? 'SIGTERM') as NodeJS.Signals;
    stopped = (await stopAlive({ pid, started }, signal, 10_000)) || stopped;
  }
  for (const { identity } of await findMarked(paths.home)) {
    stopped = (await stopAlive(identity, 'SIGTERM', 3_000)) || stopped;
  }
  return stopped;
}

/** @returns whether it was alive */
async function stopAlive(
  identity: ProcessIdentity,
  stopSignal: NodeJS.Signals,
  graceMs: number,
): Promise<boolean> {
  if (!(await isAlive(identity))) return false;
  await stopProcess(identity, { stopSignal, graceMs });
  return true;
}

function notStopped(left: readonly MarkedProcess[]): MurnauError {
  const named = left.map(({ identity, part }) => `${identity.pid} (${part || 'unknown'})`).join(', ');
  const pids = left.map(({ identity }) => identity.pid).join(' ');
  return new MurnauError(
    'setup.part_failed',
    `Processes of the stack do not end: ${named}. Look at them with ps, end them with kill -9 ${pids}, then run ` +
      'murnau down again.',
  );
}
