import { execFile } from 'node:child_process';
import { toolEnv } from '../run.mjs';

/** Runs a short Python program. @returns {Promise<string | Error>} stdout, or an Error when it cannot run */
export const ask = (python, args, { timeoutMs = 120_000, env = {} } = {}) =>
  new Promise((resolve) => {
    const options = { env: { ...toolEnv(), ...env }, timeout: timeoutMs, maxBuffer: 1 << 26 };
    execFile(python, args, options, (error, stdout, stderr) => {
      if (error) error.message = stderr.trim().split('\n').at(-1) || error.message;
      resolve(error ?? stdout);
    });
  });
