#!/usr/bin/env node
// `npm test` = `npm run verify` = CI: set-up (with the type check of every package), lint, the tests of both
// languages, then the end-to-end tests one after another. Extra arguments go to nx: npm test -- --projects=stack
import '../bootstrap/main.mjs';
import { countTests } from './count.mjs';
import { runTask } from './task.mjs';

// main.mjs ends the process when the set-up fails: from here on everything is built.
const nxArgs = process.argv.slice(2);
const nxEnv = { NX_DAEMON: 'false', NX_TUI: 'false', NX_NO_CLOUD: 'true', FORCE_COLOR: '0' };
const nx = (target, ...args) => [
  'nx',
  ['run-many', `--target=${target}`, '--output-style=stream', ...args, ...nxArgs],
];

console.log(
  'Checks everything: lint, the tests of both languages, end to end. About 25 minutes on two cores; the first time, schemathesis is downloaded (25 MB).',
);
const stages = [
  ['lint', [process.execPath, ['tools/test/lint.mjs']]],
  ['tools', [process.execPath, ['node_modules/vitest/vitest.mjs', 'run', '--root', 'tools']]],
  ['tests', nx('test', '--parallel=2')],
  ['end to end', nx('e2e', '--parallel=1', '--skip-nx-cache')],
];

const total = { passed: 0, failed: 0, skipped: 0 };
const summary = [];
for (const [name, [command, args]] of stages) {
  console.log(`\n── ${name}`);
  const { code, output, tookMs } = await runTask(command, args, { echo: true, env: nxEnv });
  const counted = countTests(output);
  // A runner that died without a failing test is a failure all the same.
  if (code !== 0 && counted.failed === 0) counted.failed = 1;
  for (const key of Object.keys(total)) total[key] += counted[key];
  summary.push(
    `${name}: ${counted.passed} passed, ${counted.failed} failed (${(tookMs / 1000).toFixed(0)} s)`,
  );
}
const tookS = Math.round(performance.now() / 1000);
console.log(`\n${summary.join('\n')}\nall with the set-up: ${Math.floor(tookS / 60)} min ${tookS % 60} s\n`);
console.log(
  `${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`,
);
process.exitCode = total.failed > 0 ? 1 : 0;
