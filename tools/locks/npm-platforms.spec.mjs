import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../bootstrap/root.mjs';
import { missingBinaries } from './npm-platforms.mjs';

const tool = {
  optionalDependencies: { '@tool/darwin-arm64': '1', '@tool/linux-aarch64': '1', '@tool/linux-x64': '1' },
};

test('a binary that a package asks for and the lock has not is named, under both names of an architecture', () => {
  const packages = { 'node_modules/tool': tool, 'node_modules/@tool/linux-x64': {} };
  expect(missingBinaries({ packages }, 'darwin-arm64')).toEqual(['@tool/darwin-arm64']);
  expect(missingBinaries({ packages }, 'linux-arm64')).toEqual(['@tool/linux-aarch64']);
  expect(missingBinaries({ packages }, 'linux-x64')).toEqual([]);
});

test.each(['linux-x64', 'linux-arm64', 'darwin-arm64'])(
  'package-lock.json has every binary for %s',
  async (platform) => {
    const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8'));
    expect(Object.keys(lock.packages).length).toBeGreaterThan(500);
    expect(missingBinaries(lock, platform)).toEqual([]);
  },
);
