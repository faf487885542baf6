// Started by each supervisor: node guard.js <home> <its pid> <its start>. Puts another in its place when it dies.
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive, type ProcessIdentity, tryLock, unlock } from '@murnau/supervisor';
import { stackPaths } from './paths.js';
import { spawnSupervisor } from './spawn-supervisor.js';
import { readState } from './state.js';

const lookEveryMs = 250;

/** A supervisor that was told to stop, or whose place is taken, needs no other. */
async function isMissed(home: string, supervisor: ProcessIdentity): Promise<boolean> {
  const state = await readState(stackPaths(home));
  return state?.state === 'running' && state.supervisor.pid === supervisor.pid;
}

async function guard(home: string, supervisor: ProcessIdentity): Promise<void> {
  const paths = stackPaths(home);
  for (;;) {
    await sleep(lookEveryMs);
    if (await isAlive(supervisor)) continue;
    if (!(await isMissed(home, supervisor))) return;
    // Somebody who starts or stops the stack at this moment does what is needed.
    if (!(await tryLock(paths.upLock))) continue;
    try {
      if (!(await isMissed(home, supervisor))) return;
      await spawnSupervisor(paths);
      return;
    } catch {
      // Its log says why; the next look tries again.
    } finally {
      await unlock(paths.upLock);
    }
  }
}

const [home, pid, started] = process.argv.slice(2);
if (home === undefined || pid === undefined || started === undefined) process.exit(2);
await guard(home, { pid: Number(pid), started });
