import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { noteChildren } from './lock.mjs';
import { Problem, mendFor } from './problem.mjs';
import { killGroup } from './processes.mjs';
import { root } from './root.mjs';

const running = new Set();

/** Ends what is still running, process groups included: two branches run at once, and one may have failed. */
export function killRunning() {
  for (const child of running) killGroup(child.pid);
}

/** Environment of tools: what would send packages elsewhere, or keep bytecode from being written, is left out. */
export function toolEnv() {
  const env = { ...process.env };
  for (const name of [
    'PYTHONDONTWRITEBYTECODE',
    'PYTHONPATH',
    'PYTHONHOME',
    'VIRTUAL_ENV',
    'PIP_TARGET',
    'PIP_USER',
    'PIP_PREFIX',
    'NODE_ENV',
  ]) {
    delete env[name];
  }
  return env;
}

/**
 * Runs a tool quietly, its output in `.cache/bootstrap/<log>.log`; when it fails, throws a Problem with the last lines.
 * @returns {Promise<string>} what it printed
 */
export async function run(log, command, args, { cwd = root, what = log, env = {} } = {}) {
  const folder = join(root, '.cache/bootstrap');
  await mkdir(folder, { recursive: true });
  const logPath = join(folder, `${log}.log`);
  const sink = createWriteStream(logPath);
  const child = spawn(command, args, {
    cwd,
    env: { ...toolEnv(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  running.add(child);
  child.stdout.pipe(sink, { end: false });
  child.stderr.pipe(sink, { end: false });
  const ended = new Promise((resolve) => {
    child.on('error', (error) => resolve({ error }));
    child.on('close', (code, signal) => resolve({ code: code ?? signal }));
  });
  await noteChildren(() => [...running].flatMap(({ pid }) => pid ?? []));
  const { code, error } = await ended;
  running.delete(child);
  await new Promise((resolve) => sink.end(resolve));
  const output = await readFile(logPath, 'utf8');
  if (error || code !== 0) {
    const text = error ? String(error) : output;
    const logTail = text.trimEnd().split('\n').slice(-15).join('\n');
    throw new Problem(`${what} failed (${error ? error.message : `exit ${code}`}).`, mendFor(text, logPath), {
      logTail,
    });
  }
  return output;
}
