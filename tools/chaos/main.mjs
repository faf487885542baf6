#!/usr/bin/env node
// `npm run -s chaos -- --minutes M --seed S [--simulate] [--bad-work] [--keep]`: the last line on stdout is one JSON object.
import { readOptions } from './options.mjs';
import { runChaos } from './run.mjs';

const startedMs = performance.now();
/** @param {string} line */
const say = (line) => console.error(`${((performance.now() - startedMs) / 1000).toFixed(1)} s  ${line}`);

try {
  const report = await runChaos(readOptions(process.argv.slice(2)), say);
  for (const line of report.wrong ?? []) console.error(`✗ ${line}`);
  console.log(JSON.stringify(report));
  process.exit(report.ok ? 0 : 1);
} catch (error) {
  console.error(error instanceof Error ? error.stack : error);
  console.log(JSON.stringify({ ok: false, wrong: [String(error)] }));
  process.exit(1);
}
