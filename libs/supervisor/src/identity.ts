import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { z } from 'zod';

/**
 * A process that cannot be mistaken for a later one with the same number: the kernel's start time in clock ticks
 * since boot tells them apart, and the boot's id tells boots apart.
 */
export const processIdentitySchema = z.object({ pid: z.number().int(), started: z.string() });
export type ProcessIdentity = z.infer<typeof processIdentitySchema>;

let bootId: Promise<string> | undefined;

function readBootId(): Promise<string> {
  bootId ??= readFile('/proc/sys/kernel/random/boot_id', 'utf8').then(
    (text) => text.trim().slice(0, 8),
    () => 'boot',
  );
  return bootId;
}

/** `ps` serves where there is no /proc (macOS). */
function startedByPs(pid: number): Promise<string | null> {
  return new Promise((resolve) => {
    execFile('ps', ['-o', 'lstart=,stat=', '-p', String(pid)], (error, stdout) => {
      const text = stdout.trim();
      resolve(error || text === '' || / Z\S*$/.test(text) ? null : text.replace(/ \S+$/, ''));
    });
  });
}

/** @returns null when there is no such process, or only its unreaped remains */
export async function identify(pid: number): Promise<ProcessIdentity | null> {
  if (process.platform !== 'linux') {
    const started = await startedByPs(pid);
    return started === null ? null : { pid, started };
  }
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  if (stat === null) return null;
  // The command's name is in parentheses and may itself hold blanks and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  const startTicks = fields[19];
  if (state === 'Z' || state === 'X' || startTicks === undefined) return null;
  return { pid, started: `${await readBootId()}:${startTicks}` };
}

export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return (await identify(identity.pid))?.started === identity.started;
}

/** Whether somebody stopped the process (SIGSTOP); a debugger's stop does not count. False where there is no /proc. */
export async function isStopped(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T ');
}

/** Process group; -1 when unknown. */
export async function groupOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2] ?? -1);
}

/** Command line as the kernel keeps it, arguments joined by blanks. Null when unknown. */
export async function commandLineOf(pid: number): Promise<string | null> {
  const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => null);
  return text === null || text === '' ? null : text.replace(/\0$/, '').replaceAll('\0', ' ');
}

/** Processes whose environment holds `NAME=value`, which children inherit even when their parent is gone. */
export async function findByEnvironment(name: string, value: string): Promise<ProcessIdentity[]> {
  const entries = await readdir('/proc').catch(() => []);
  const wanted = `\0${name}=${value}\0`;
  const found = await Promise.all(
    entries
      .filter((entry) => /^\d+$/.test(entry))
      .map(async (entry) => {
        const environment = await readFile(`/proc/${entry}/environ`, 'utf8').catch(() => '');
        return `\0${environment}`.includes(wanted) ? identify(Number(entry)) : null;
      }),
  );
  return found.filter((identity) => identity !== null);
}
