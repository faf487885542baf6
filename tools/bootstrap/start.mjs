#!/usr/bin/env node
// `npm start`: set-up, then the demo. One parent process, so that the demo can tell set-up time from its own.
import npmFlags from '../npm-flags.cjs';

const startedMs = Date.now();
if (process.env.npm_lifecycle_event === 'start') {
  npmFlags.refuseSwallowedFlags('npm start', process.argv.slice(2));
}
await import('./main.mjs');

const { spawn } = await import('node:child_process');
const { root } = await import('./root.mjs');
const demo = spawn(process.execPath, ['apps/cli/dist/main.js', 'demo', ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
  env: {
    ...process.env,
    MURNAU_COMMAND_STARTED_MS: String(startedMs),
    MURNAU_SETUP_S: ((Date.now() - startedMs) / 1000).toFixed(1),
  },
});
// The terminal sends Ctrl-C to the demo as well; it decides what that means.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => demo.kill('SIGTERM'));
demo.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 1);
});
