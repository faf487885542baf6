import { execFile } from 'node:child_process';
import { inheritedEnv, pythonEnv } from '../env.js';

/** Runs a short program in an interpreter. Rejects with its last words. */
export function askPython(python: string, program: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      python,
      ['-c', program],
      { timeout: 60_000, env: { ...inheritedEnv(), ...pythonEnv } },
      (error, stdout, stderr) => {
        if (error) reject(new Error(stderr.trim().split('\n').at(-1) || error.message));
        else resolve(stdout.trim());
      },
    );
  });
}
