#!/usr/bin/env node
// `npm run -s fuzz:api -- --requests=N --seed=S`: what schemathesis makes of our own OpenAPI is sent to a stack of its own
// (simulated workers; its own database, Temporal and api), and every answer is held to the description: no status of 500
// and above, none that is not described, no body of another shape. The last line on stdout is one JSON object.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keepLoopbackDirect } from '@murnau/environment';
import { startStack, stopStack } from '@murnau/stack';
import { fuzzPython } from './environment.mjs';
import { readOptions } from './options.mjs';
import { plant } from './seeds.mjs';

const model = 'simulated';
const say = (line) => console.error(line);

/** @returns {Promise<object>} the report, which is the last line that the program writes */
function fuzz(python, config) {
  const program = new URL('fuzz_api.py', import.meta.url).pathname;
  return new Promise((resolve, reject) => {
    const child = spawn(python, [program], { stdio: ['pipe', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
    child.on('error', reject);
    child.on('close', (code) => {
      const last = output.trim().split('\n').at(-1) ?? '';
      if (code === 0 && last.startsWith('{')) resolve(JSON.parse(last));
      else reject(new Error(`fuzz_api.py ended with ${code}: ${output.slice(-500)}`));
    });
    child.stdin.end(JSON.stringify(config));
  });
}

const options = readOptions(process.argv.slice(2));
const python = await fuzzPython();
keepLoopbackDirect(process.env);
const home = await mkdtemp(join(tmpdir(), 'murnau-fuzz-'));
const close = async () => {
  await stopStack({ home });
  await rm(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 500 });
};
let closing;
const quit = () => (closing ??= close().finally(() => process.exit(130)));
process.on('SIGINT', quit).on('SIGTERM', quit);
try {
  const stack = await startStack({ home, simulate: true, models: [{ name: model, dir: home }] });
  say('the stack answers');
  const planted = await plant(stack, model);
  say(`sending ${options.requests} requests`);
  const report = await fuzz(python, {
    ...options,
    server: stack.apiUrl,
    token: stack.token,
    model,
    ...planted,
  });
  console.log(JSON.stringify(report));
  process.exitCode = report.findings.length === 0 ? 0 : 1;
} finally {
  await close();
}
