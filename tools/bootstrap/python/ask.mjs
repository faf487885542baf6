import { spawn } from 'node:child_process';
import { killGroup } from '../processes.mjs';
import { toolEnv } from '../run.mjs';

/**
 * Runs a short Python program. It is ended, with all that it started, when it takes too long.
 * @returns {Promise<string | Error>} stdout, or an Error that says why there is none
 */
export const ask = (python, args, { timeoutMs = 120_000, env = {} } = {}) =>
  new Promise((resolve) => {
    const child = spawn(python, args, {
      env: { ...toolEnv(), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr']) {
      child[name].setEncoding('utf8');
      child[name].on('data', (text) => (output[name] += text));
    }
    const timer = setTimeout(() => {
      killGroup(child.pid, 'SIGKILL');
      resolve(new Error(`it did not answer within ${timeoutMs / 1000} s`));
    }, timeoutMs);
    const settle = (answer) => {
      clearTimeout(timer);
      resolve(answer);
    };
    child.on('error', settle);
    child.on('close', (code, signal) => {
      const reason = output.stderr.trim().split('\n').at(-1) || `it ended with ${code ?? signal}`;
      settle(code === 0 ? output.stdout : new Error(reason));
    });
  });

/** Reads a JSON document behind whatever an interpreter prints before it. @returns null when there is none */
export function jsonIn(text) {
  try {
    return JSON.parse(text.slice(text.indexOf('{')));
  } catch {
    return null;
  }
}
