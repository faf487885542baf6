#!/usr/bin/env node
// Checks the import rules, and first that they bite: each must fire on a fixture made to break it. (A checker that
// cannot read TypeScript reports no violations among no modules, which looks like success.)
import { readFileSync } from 'node:fs';
import { cruise } from 'dependency-cruiser';
import { root } from '../bootstrap/root.mjs';
import { forbidden, ruleNames } from './import-rules.mjs';

async function check(baseDir, folders) {
  const { output } = await cruise(folders, {
    baseDir,
    validate: true,
    ruleSet: { forbidden },
    doNotFollow: { path: ['node_modules', '/dist/'] },
    exclude: { path: ['/dist/.*\\.map$'] },
    tsPreCompilationDeps: true,
    combinedDependencies: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['types', 'import', 'node', 'default'],
      extensions: ['.ts', '.tsx', '.js', '.mjs', '.d.ts', '.json'],
    },
  });
  const modules = output.modules.filter(({ source }) => /^(apps|libs)\/[^/]+\/(src|e2e)\//.test(source));
  return { modules, violations: output.summary.violations };
}

const failures = [];

const fixtures = await check(`${root}/tools/lint/fixtures`, ['apps', 'libs']);
const fired = new Set(fixtures.violations.map(({ rule }) => rule.name));
for (const name of ruleNames)
  if (!fired.has(name)) failures.push(`self-test: the rule ${name} does not fire on its fixture`);
for (const { rule, from } of fixtures.violations) {
  const expected = readFileSync(`${root}/tools/lint/fixtures/${from}`, 'utf8').includes(
    `breaks: ${rule.name}`,
  );
  if (!expected) failures.push(`self-test: ${from} breaks ${rule.name}, which it should not`);
}

const { modules, violations } = await check(root, ['apps', 'libs']);
if (modules.length < 15)
  failures.push(`only ${modules.length} modules were read: the checker does not see TypeScript`);
for (const { rule, from, to, cycle } of violations) {
  failures.push(`${rule.name}: ${from} → ${cycle ? cycle.map((entry) => entry.name).join(' → ') : to}`);
}

for (const failure of failures) console.error(failure);
console.error(`${modules.length} modules, ${ruleNames.length} import rules, ${failures.length} problems`);
process.exitCode = failures.length > 0 ? 1 : 0;
