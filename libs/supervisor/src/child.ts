import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { identify, isAlive, type ProcessIdentity } from './identity.js';
import type { PartPlan } from './part.js';

/** A living process: started here, or taken over from a supervisor that died. */
export interface Child {
  identity: ProcessIdentity;
  isAdopted: boolean;
  /** Resolves when it is gone, with a phrase for the log such as `exit 1` or `SIGKILL`. */
  gone: Promise<string>;
}

/** What a plan amounts to: two processes of one fingerprint are interchangeable. */
export function fingerprintOf(plan: PartPlan): string {
  const { command, args, cwd, env, uid } = plan;
  const content = JSON.stringify([command, args, cwd, Object.entries(env).sort(), uid ?? null]);
  return createHash('sha256').update(content).digest('hex').slice(0, 16);
}

/**
 * Starts the process as leader of its own group and session, with `env` as its whole environment. Its output goes straight into its log, opened for
 * appending: a pipe would break when the supervisor dies, and the process with it.
 */
export async function startChild(
  plan: PartPlan,
  { env, log }: { env: Record<string, string>; log: string },
): Promise<Child> {
  const file = await open(log, 'a', 0o600);
  try {
    const child = spawn(plan.command, plan.args, {
      cwd: plan.cwd,
      env,
      detached: true,
      stdio: ['ignore', file.fd, file.fd],
      ...(plan.uid !== undefined && { uid: plan.uid }),
      ...(plan.gid !== undefined && { gid: plan.gid }),
    });
    const gone = new Promise<string>((resolve) => {
      child.once('exit', (code, signal) => resolve(signal ?? `exit ${code}`));
    });
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('spawn', resolve);
    });
    child.unref();
    const pid = child.pid as number;
    // A process that died at once has no identity left to look up; its end is reported all the same.
    return { identity: (await identify(pid)) ?? { pid, started: 'gone' }, isAdopted: false, gone };
  } finally {
    await file.close();
  }
}

/** Watches a process that is not our child. */
export function adopt(identity: ProcessIdentity): Child {
  const watch = async (): Promise<string> => {
    while (await isAlive(identity)) await sleep(100);
    return 'gone';
  };
  return { identity, isAdopted: true, gone: watch() };
}
