import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findOpenPaths, makeDataFolder } from './data-folder.js';
import { stackPaths } from './paths.js';

const isRoot = process.getuid?.() === 0;
const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

let folder: string;
let umask: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'murnau-home-'));
  chmodSync(folder, 0o755);
  umask = process.umask();
});
afterEach(() => {
  process.umask(umask);
  rmSync(folder, { recursive: true, force: true });
});

describe('the data folder', () => {
  test.each([0o000, 0o022, 0o077])('is for its owner alone under umask %o', async (mask) => {
    process.umask(mask);
    const paths = stackPaths(join(folder, 'share/murnau'));
    await makeDataFolder(paths);
    // As root the database's user passes through, by the folder's group.
    expect(modeOf(paths.home)).toBe(isRoot ? '710' : '700');
    if (isRoot) {
      expect(statSync(paths.home).gid).not.toBe(0);
      expect(modeOf(dirname(paths.home))).toBe('711');
    }
    const names = readdirSync(paths.home);
    expect(names.sort()).toEqual(['blobs', 'logs', 'temporal', 'tmp']);
    for (const name of names) expect(modeOf(join(paths.home, name))).toBe('700');
    expect(await findOpenPaths(paths)).toEqual([]);
  });

  test('that was left open is closed, with what is in it', async () => {
    process.umask(0o022);
    const paths = stackPaths(folder);
    mkdirSync(join(paths.blobs, 'ab'), { recursive: true });
    writeFileSync(join(paths.blobs, 'ab/cd'), '');
    writeFileSync(paths.token, 'secret');
    writeFileSync(`${paths.state}.123.abcd`, 'half');
    expect((await findOpenPaths(paths)).join()).toMatch(/^\S+ \(mode 755\).*token \(mode 644\)/);

    await makeDataFolder(paths);
    expect(await findOpenPaths(paths)).toEqual([]);
    for (const path of [paths.token, `${paths.state}.123.abcd`, join(paths.blobs, 'ab/cd')]) {
      expect(modeOf(path)).toBe('600');
    }
    expect(modeOf(join(paths.blobs, 'ab'))).toBe('700');
  });

  test('with things of others in it keeps its mode and theirs', async () => {
    process.umask(0o022);
    writeFileSync(join(folder, 'notes.txt'), '');
    mkdirSync(join(folder, 'tmp'));
    writeFileSync(join(folder, 'tmp/script'), '', { mode: 0o755 });
    const paths = stackPaths(folder);
    writeFileSync(paths.token, 'secret');
    await makeDataFolder(paths);
    const theirs = ['', 'notes.txt', 'tmp', 'tmp/script'].map((name) => join(folder, name));
    expect(theirs.map(modeOf)).toEqual(['755', '644', '755', '755']);
    expect(modeOf(paths.token)).toBe('600');
    expect([paths.blobs, paths.logs].map(modeOf)).toEqual(['700', '700']);
    expect(await findOpenPaths(paths)).toEqual([]);
  });

  test('that a link leads to is the same folder as by its own path', () => {
    const real = join(folder, 'real');
    mkdirSync(real);
    symlinkSync(real, join(folder, 'link'));
    expect(stackPaths(join(folder, 'link/new')).home).toBe(stackPaths(join(real, 'new')).home);
  });

  test('that cannot be made is named, with the reason of the system', async () => {
    writeFileSync(join(folder, 'file'), '');
    await expect(makeDataFolder(stackPaths(join(folder, 'file/home')))).rejects.toMatchObject({
      code: 'setup.home_unusable',
      field: 'MURNAU_HOME',
      message: expect.stringContaining('ENOTDIR') as string,
    });
  });
});
