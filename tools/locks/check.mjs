#!/usr/bin/env node
// `npm run -s check:locks`: asks pip, without installing, whether every locked package has a wheel for each Python version
// on each platform, and torch too; and whether package-lock.json names the binaries of each platform. Writes the result
// to docs/platforms.md; `--check` only compares. It reads metadata from the package index: minutes, and a network.
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pMap from 'p-map';
import { lockFileOf, seriesNewestFirst, torchPin } from '../bootstrap/python/series.mjs';
import { venvPython } from '../bootstrap/python/venv.mjs';
import { root } from '../bootstrap/root.mjs';
import { missingBinaries } from './npm-platforms.mjs';
import { page } from './page.mjs';

const manylinux = (arch) => [28, 27, 26, 24, 17, 12, 5].map((glibc) => `manylinux_2_${glibc}_${arch}`);

/** pip takes each platform tag by itself, oldest systems included. */
const platforms = [
  {
    name: 'Linux x86-64',
    npm: 'linux-x64',
    tags: [...manylinux('x86_64'), 'manylinux2014_x86_64', 'manylinux1_x86_64'],
  },
  { name: 'Linux arm64', npm: 'linux-arm64', tags: [...manylinux('aarch64'), 'manylinux2014_aarch64'] },
  { name: 'macOS arm64', npm: 'darwin-arm64', tags: ['macosx_14_0_arm64', 'macosx_11_0_arm64'] },
];

const target = join(root, '.cache/locks/target');

/** @returns {Promise<{ packages: { name: string, version: string, needs: string[] }[] } | { problem: string }>} */
function resolve(series, { tags }, what) {
  const args = [
    ...['-m', 'pip', 'install', '--dry-run', '--ignore-installed', '--quiet', '--report', '-', '--no-deps'],
    ...['--only-binary=:all:', '--implementation', 'cp', '--python-version', series, '--target', target],
    ...tags.flatMap((tag) => ['--platform', tag]),
    ...what,
  ];
  return new Promise((settle) => {
    execFile(venvPython, args, { cwd: root, maxBuffer: 1 << 27 }, (error, stdout, stderr) => {
      if (error) {
        const lines = stderr.split('\n').filter((line) => line.startsWith('ERROR: '));
        settle({ problem: (lines[0] ?? error.message).replace('ERROR: ', '') });
        return;
      }
      const { install } = JSON.parse(stdout.slice(stdout.indexOf('{')));
      const packages = install.map(({ metadata }) => ({
        name: metadata.name.toLowerCase().replaceAll('_', '-'),
        version: metadata.version,
        needs: metadata.requires_dist ?? [],
      }));
      settle({ packages });
    });
  });
}

/** What torch needs on every platform must be in the lock, or it would be installed unpinned. */
function unlockedNeeds(torch, lockText) {
  const everywhere = torch.needs
    .filter((need) => !/;.*(sys_platform|platform_system|platform_machine|extra)/.test(need))
    .map((need) => /^[\w.-]+/.exec(need)[0].toLowerCase().replaceAll('_', '-'));
  return everywhere.filter((name) => !new RegExp(`^${name}==`, 'm').test(lockText));
}

await mkdir(target, { recursive: true });
const rows = [];
const problems = [];
await pMap(
  seriesNewestFirst.flatMap((series) => platforms.map((platform) => [series, platform])),
  async ([series, platform]) => {
    const lockFile = lockFileOf(series);
    const lockText = await readFile(join(root, lockFile), 'utf8');
    const where = `Python ${series} on ${platform.name}`;
    const locked = await resolve(series, platform, ['--require-hashes', '-r', lockFile]);
    const torch = await resolve(series, platform, [torchPin]);
    for (const { problem } of [locked, torch]) if (problem) problems.push(`${where}: ${problem}`);
    for (const name of torch.packages ? unlockedNeeds(torch.packages[0], lockText) : [])
      problems.push(`${where}: torch needs ${name}, which ${lockFile} does not have`);
    rows.push({
      series,
      platform: platform.name,
      wheels: locked.packages?.length ?? 0,
      torch: torch.packages?.[0]?.version.split('+')[0] ?? null,
    });
    console.error(`${where}: ${locked.packages?.length ?? 0} wheels, torch ${rows.at(-1).torch ?? 'none'}`);
  },
  { concurrency: 3 },
);
const npmLock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8'));
for (const { name, npm } of platforms)
  for (const binary of missingBinaries(npmLock, npm))
    problems.push(`${name}: package-lock.json has no ${binary}`);

const file = join(root, 'docs/platforms.md');
const text = page({ rows, platforms: platforms.map(({ name }) => name), torchPin });
if (process.argv.includes('--check')) {
  if ((await readFile(file, 'utf8').catch(() => '')) !== text)
    problems.push('docs/platforms.md is another: run npm run -s check:locks');
} else if (problems.length === 0) await writeFile(file, text);
for (const problem of problems) console.error(`✗ ${problem}`);
console.log(
  problems.length === 0
    ? `${rows.length} of ${rows.length} combinations have every wheel`
    : `${problems.length} problems`,
);
process.exitCode = problems.length > 0 ? 1 : 0;
