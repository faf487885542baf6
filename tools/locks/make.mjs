#!/usr/bin/env node
// `npm run locks`: resolves python-worker/pyproject.toml for each Python version into python-worker/locks, with hashes.
// Versions that a lock file has already are kept as long as they fit; `npm run locks -- --upgrade` takes the newest.
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lockFileOf, seriesNewestFirst } from '../bootstrap/python/series.mjs';
import { root } from '../bootstrap/root.mjs';
import { lockFile as fuzzLock, requirements } from '../fuzz/environment.mjs';
import { run } from '../bootstrap/run.mjs';
import { uv } from './uv.mjs';

const header = (series) =>
  `# Every package that murnau installs for Python ${series}, on every platform, by \`npm run locks\`. Not torch: tools/bootstrap
# installs it first and alone, so that the machine's own build (CPU or CUDA) is chosen once and nothing replaces it.
`;

const overrides = join(root, '.cache/locks/overrides.txt');
const oldestSeries = seriesNewestFirst.at(-1);
const program = await uv();
await writeFile(overrides, "torch ; sys_platform == 'never'\n");
for (const series of seriesNewestFirst) {
  const lockFile = join(root, lockFileOf(series));
  await run(
    `lock-${series}`,
    program,
    [
      ...['pip', 'compile', 'pyproject.toml', '--quiet', '--universal', '--generate-hashes'],
      ...[
        '--group',
        'dev',
        '--group',
        'stack',
        '--group',
        'torch',
        '--override',
        overrides,
        '--no-emit-package',
        'torch',
      ],
      ...['--python-version', series, '--no-header', '--no-annotate', '--output-file', lockFile],
      ...process.argv.slice(2),
    ],
    { what: `Resolving the packages for Python ${series}`, cwd: join(root, 'python-worker') },
  );
  const text = await readFile(lockFile, 'utf8');
  // Of a header that an earlier run wrote nothing is kept by uv.
  await writeFile(lockFile, `${header(series)}${text.trimEnd()}\n`);
  console.log(`${lockFileOf(series)}: ${text.match(/^[\w.-]+==/gm).length} packages`);
}
await rm(overrides);
// Of the fuzzing of the api: one for all versions, as it needs nothing that is built for one.
await run(
  'lock-fuzz',
  program,
  [
    ...[
      'pip',
      'compile',
      requirements,
      '--quiet',
      '--universal',
      '--generate-hashes',
      '--python-version',
      oldestSeries,
    ],
    ...['--no-header', '--no-annotate', '--output-file', fuzzLock],
    ...process.argv.slice(2),
  ],
  { what: 'Resolving the packages of fuzz:api', cwd: root },
);
console.log(
  `${fuzzLock}: ${(await readFile(join(root, fuzzLock), 'utf8')).match(/^[\w.-]+==/gm).length} packages`,
);
