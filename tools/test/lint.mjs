#!/usr/bin/env node
// `npm run lint`: every check that runs nothing of ours. The slowest come first, two at a time.
import { join } from 'node:path';
import pMap from 'p-map';
import { root } from '../bootstrap/root.mjs';
import { runTask } from './task.mjs';

const python = join(root, 'python-worker/.venv/bin/python');
const inPython = { cwd: join(root, 'python-worker') };
const inProtos = { cwd: join(root, 'protos') };

const checks = [
  ['pyright', 'pyright', ['--pythonpath', python], inPython],
  ['eslint', 'eslint', ['--max-warnings=0', '--no-warn-ignored', 'apps', 'libs'], {}],
  // tsc -b checks the rest.
  ['types of e2e tests', 'tsc', ['-p', 'tsconfig.e2e.json'], {}],
  ['import rules', process.execPath, ['tools/lint/check-imports.mjs'], {}],
  ['walks', process.execPath, ['tools/lint/check-walks.mjs'], {}],
  ['family words', process.execPath, ['tools/lint/check-family-words.mjs'], {}],
  ['paths outside', process.execPath, ['tools/lint/check-outside.mjs'], {}],
  [
    'prettier',
    'prettier',
    ['--check', '--log-level=warn', '--cache', '--cache-location=.cache/prettier', '.'],
    {},
  ],
  [
    'import-linter',
    python,
    // Not .venv/bin/lint-imports: its first line names the place where the environment was made.
    ['-c', 'from importlinter.cli import lint_imports_command as run; run()', '--no-cache', '--no-logo'],
    inPython,
  ],
  ['ruff check', python, ['-m', 'ruff', 'check', '--quiet'], inPython],
  ['ruff format', python, ['-m', 'ruff', 'format', '--check', '--quiet'], inPython],
  ['buf lint', 'buf', ['lint'], inProtos],
  ['buf breaking', 'buf', ['breaking', '--against', 'baseline.binpb'], inProtos],
];

const wanted = process.argv.slice(2);
let passed = 0;
let failed = 0;
await pMap(
  checks.filter(([name]) => wanted.length === 0 || wanted.includes(name)),
  async ([name, command, args, options]) => {
    const { code, output, tookMs } = await runTask(command, args, options);
    const seconds = `${(tookMs / 1000).toFixed(1)} s`;
    if (code === 0) passed += 1;
    else failed += 1;
    console.log(
      code === 0
        ? `✓ ${name} (${seconds})`
        : `✗ ${name} (${seconds})\n${output.trimEnd().replace(/^/gm, '    ')}`,
    );
  },
  { concurrency: 2 },
);
if (failed > 0) console.log('\nLayout is mended by: npm run format');
console.log(`lint: ${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
