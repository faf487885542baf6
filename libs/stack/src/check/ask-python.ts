import { execFile } from 'node:child_process';

/** Runs a short program in an interpreter. Rejects with its last words. */
export function askPython(python: string, program: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(python, ['-c', program], { timeout: 60_000 }, (error, stdout, stderr) => {
      if (error) reject(new Error(stderr.trim().split('\n').at(-1) || error.message));
      else resolve(stdout.trim());
    });
  });
}
