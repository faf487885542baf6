// Ray Tune on the same work, in a virtual environment of its own that is made for it and removed.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from '../bootstrap/root.mjs';

const run = promisify(execFile);
const requirement = 'ray[tune]==2.60.0';

/** @returns milliseconds per trial with and without reused actors; null where Ray cannot be installed */
export async function rayMsPerTrial({ trials, concurrency, steps, stepMs }, say) {
  const folder = await mkdtemp(join(tmpdir(), 'murnau-ray-'));
  const python = join(folder, 'bin/python');
  try {
    say(`installing ${requirement}`);
    try {
      await run(join(root, 'python-worker/.venv/bin/python'), ['-m', 'venv', folder]);
      await run(python, ['-m', 'pip', 'install', '--quiet', requirement], { maxBuffer: 1 << 24 });
    } catch (error) {
      say(
        `Ray Tune cannot be installed here: ${String(error.stderr ?? error.message)
          .trim()
          .slice(-300)}`,
      );
      return null;
    }
    const script = join(import.meta.dirname, 'ray_tune.py');
    const args = [script, trials, concurrency, steps, stepMs].map(String);
    const { stdout } = await run(python, args, { maxBuffer: 1 << 24, env: { ...process.env, HOME: folder } });
    return JSON.parse(stdout.trim().split('\n').at(-1));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
