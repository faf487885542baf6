import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive, type ProcessIdentity } from './identity.js';

/** Sends a signal; a process that is already gone is what the sender wanted. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Signals every member of a process group that is left. */
export function signalGroup(groupId: number, name: NodeJS.Signals): void {
  try {
    process.kill(-groupId, name);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // EPERM: only unreaped remains, or the number belongs to someone else by now.
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
  }
}

async function waitUntilGone(identity: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (performance.now() < deadline) {
    if (!(await isAlive(identity))) return true;
    await sleep(20);
  }
  return !(await isAlive(identity));
}

/** Asks a process to end, then ends it with its whole group. */
export async function stopProcess(
  identity: ProcessIdentity,
  { stopSignal, graceMs }: { stopSignal: NodeJS.Signals; graceMs: number },
): Promise<void> {
  if (!(await isAlive(identity))) return;
  signal(identity.pid, stopSignal);
  // A stopped process takes no signal before it goes on.
  signal(identity.pid, 'SIGCONT');
  const isGone = await waitUntilGone(identity, graceMs);
  if (!isGone) signal(identity.pid, 'SIGKILL');
  signalGroup(identity.pid, 'SIGKILL');
  if (!isGone) await waitUntilGone(identity, 2_000);
}
