// Which processes live, told apart from later ones of the same number by their start time where the system says it.
import { readFile } from 'node:fs/promises';

/** Start of a process in clock ticks since boot; '' where there is no /proc; null when it does not live. */
export async function startOf(pid) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code !== 'EPERM') return null;
  }
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ['Z', 'X'].includes(fields[0]) ? null : (fields[19] ?? '');
}

export const identify = async (pid) => ({ pid, started: await startOf(pid) });

/** @param {{ pid: number, started: string }} identity as `identify` gave it */
export async function isAlive({ pid, started }) {
  return Number.isInteger(pid) && pid > 0 && (await startOf(pid)) === started;
}

/** Ends a process and what it started, as leader of its process group. */
export function killGroup(pid, signal = 'SIGTERM') {
  try {
    process.kill(-pid, signal);
  } catch {
    // already gone
  }
}
