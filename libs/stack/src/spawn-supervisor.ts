import { spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { MurnauError } from '@murnau/domain';
import { endOfLog } from '@murnau/supervisor';
import { supervisorEnv } from './env.js';
import { marksOf } from './marked.js';
import { logOf, type StackPaths } from './paths.js';
import { readState } from './state.js';

/** In dist/ also when this file runs from src/, as in tests. */
const supervisorProgram = fileURLToPath(new URL('../dist/run-supervisor.js', import.meta.url));
/** How long a new supervisor may take until it has written stack.json. */
const supervisorTimeoutMs = 20_000;

/** Starts a supervisor that outlives this process. To be called under `up.lock`. @throws `setup.part_failed` */
export async function spawnSupervisor(paths: StackPaths): Promise<void> {
  const log = logOf(paths, 'supervisor');
  const file = await open(log, 'a', 0o600);
  const child = spawn(process.execPath, [supervisorProgram, paths.home], {
    cwd: paths.home,
    detached: true,
    env: { ...supervisorEnv(paths), ...marksOf(paths.home, 'supervisor') },
    stdio: ['ignore', file.fd, file.fd],
  });
  await file.close();
  let exit: string | undefined;
  child.once('exit', (code, name) => (exit = name ?? `exit ${code}`));
  child.once('error', (error) => (exit = error.message));
  const deadline = performance.now() + supervisorTimeoutMs;
  while (exit === undefined && performance.now() < deadline) {
    const state = await readState(paths);
    if (state?.supervisor.pid === child.pid) break;
    await sleep(20);
  }
  child.unref();
  if (exit !== undefined) {
    throw new MurnauError(
      'setup.part_failed',
      `The supervisor did not start (${exit}). ${await endOfLog(log)}`,
    );
  }
}
