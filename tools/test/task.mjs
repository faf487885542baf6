import { spawn } from 'node:child_process';
import { root } from '../bootstrap/root.mjs';

const path = `${root}/node_modules/.bin:${process.env.PATH}`;

/**
 * Runs a command in the checkout and keeps what it prints; with `echo` it is shown at once as well.
 * @returns {Promise<{ code: number, output: string, tookMs: number }>}
 */
export function runTask(command, args, { cwd = root, echo = false, env = {} } = {}) {
  const started = performance.now();
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, PATH: path, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text) => {
        output += text;
        if (echo) process.stdout.write(text);
      });
    }
    child.on('error', (error) => {
      output += `${command}: ${error.message}\n`;
    });
    child.on('close', (code) => resolve({ code: code ?? 1, output, tookMs: performance.now() - started }));
  });
}
