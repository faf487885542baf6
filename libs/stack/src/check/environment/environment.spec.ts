import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { chown } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { stackPaths } from '../../paths.js';
import { checkDataFolder, inBytes } from './data-folder.js';
import { checkDataPath } from './data-path.js';
import { checkDatabasePlace } from './database-place.js';
import { checkLoopback, checkOpenFiles, checkProxy, openFilesLimit } from './machine.js';
import { insistOn } from './requirement.js';

const isRoot = process.getuid?.() === 0;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'murnau-environment-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('the path of the data folder', () => {
  test.each([
    '/data/C#',
    '/a,b?c%20d',
    '/with space/"quotes"/it\'s',
    '/back\\slash:$HOME`x`',
    '/übermut/データ',
    `/${'x'.repeat(449)}`,
  ])('may be %s', (path) => {
    expect(checkDataPath(path)).toEqual({ part: 'data path', ok: true, detail: path });
  });

  test.each([
    ['/a\nb', 'a line break'],
    ['/a\rb', 'a line break'],
    ['/a\ufffdb', 'bytes that are not UTF-8'],
    [`/${'x'.repeat(450)}`, '451 bytes'],
    [`/${'ü'.repeat(230)}`, '461 bytes'],
  ])('is refused, saying why: %j', (path, why) => {
    const check = checkDataPath(path);
    expect(check).toMatchObject({
      ok: false,
      refusal: { code: 'setup.home_unusable', field: 'MURNAU_HOME' },
    });
    expect(check.detail).toContain(why);
    expect(() => insistOn([check])).toThrow(/choose another: MURNAU_HOME=/);
  });
});

describe('the data folder', () => {
  const refusalOf = async (home: string): Promise<string | undefined> => {
    const checks = await checkDataFolder(stackPaths(home));
    const refused = checks.find(({ refusal }) => refusal !== undefined);
    if (refused !== undefined) expect(refused.refusal?.code).toBe('setup.home_unusable');
    return refused?.detail;
  };

  test('may be there or not, and nothing is made of it', async () => {
    expect(await refusalOf(folder)).toBeUndefined();
    expect(await refusalOf(join(folder, 'new/murnau'))).toBeUndefined();
    expect(existsSync(join(folder, 'new'))).toBe(false);
  });

  test('is no file, lies below none, and is no link to nothing', async () => {
    writeFileSync(join(folder, 'file'), '');
    symlinkSync('/no/such/folder', join(folder, 'link'));
    expect(await refusalOf(join(folder, 'file'))).toContain('is a file');
    expect(await refusalOf(join(folder, 'file/murnau'))).toContain(`${join(folder, 'file')}, where`);
    expect(await refusalOf(join(folder, 'link'))).toContain('a link that leads nowhere');
  });

  test.runIf(process.platform === 'linux')('is none where only the kernel shows what it knows', async () => {
    expect(await refusalOf('/proc/murnau')).toBe(
      '/proc, where the data folder /proc/murnau would be made, cannot hold files',
    );
  });

  test('has room that is told in megabytes below a gigabyte', () => {
    expect([0, 199.9e6, 200e6, 1e9, 2.34e9].map(inBytes)).toEqual([
      ...['0 MB', '199 MB', '200 MB', '1.0 GB', '2.3 GB'],
    ]);
  });

  test.skipIf(isRoot)('is one that can be written, or made in one that can', async () => {
    chmodSync(folder, 0o500);
    expect(await refusalOf(folder)).toContain('cannot be written');
    expect(await refusalOf(join(folder, 'murnau'))).toContain('cannot be written');
  });

  test.runIf(isRoot)('is nobody else’s', async () => {
    writeFileSync(join(folder, 'token'), '');
    await chown(join(folder, 'token'), 4242, 4242);
    expect(await refusalOf(folder)).toMatch(/belong to the user 4242, and this is the user 0/);
  });

  test('that others may read is named, and the next start closes it', async () => {
    chmodSync(folder, 0o755);
    writeFileSync(join(folder, 'token'), '', { mode: 0o644 });
    const [modes] = await checkDataFolder(stackPaths(folder));
    expect(modes).toMatchObject({ ok: false, mend: 'murnau up' });
    expect(modes?.detail).toMatch(/\(mode 755\), .*token \(mode 644\)/);
    expect(modes?.refusal).toBeUndefined();
  });
});

describe('the machine', () => {
  test('lets a process open enough files', async () => {
    expect(checkOpenFiles(512).ok).toBe(true);
    expect(checkOpenFiles(Infinity).ok).toBe(true);
    const check = checkOpenFiles(256);
    expect(check.refusal).toMatchObject({
      code: 'setup.machine_unfit',
      given: '256',
      allowed: '512 or more',
    });
    expect(await openFilesLimit()).toBeGreaterThan(0);
  });

  test('has a loopback, or it is said how to get it', async () => {
    expect(await checkLoopback()).toMatchObject({ ok: true });
    const without = await checkLoopback(() =>
      Promise.reject(Object.assign(new Error('listen'), { code: 'EADDRNOTAVAIL' })),
    );
    expect(without).toMatchObject({
      ok: false,
      refusal: { code: 'setup.machine_unfit', given: 'EADDRNOTAVAIL' },
    });
    expect(without.mend).toContain('ip address add 127.0.0.1/8 dev lo');
  });

  test('may have a proxy, of which it is said what it is for', () => {
    expect(checkProxy([])).toMatchObject({ ok: true, detail: 'none set' });
    expect(checkProxy(['http_proxy=http://p']).detail).toContain('http_proxy=http://p: for other machines');
  });
});

describe('the database', () => {
  test.runIf(isRoot)('lies where its user can reach it, or the closed folder is named', async () => {
    chmodSync(folder, 0o755);
    const [open] = await checkDatabasePlace(stackPaths(folder));
    expect(open).toMatchObject({
      ok: true,
      detail: expect.stringContaining(join(folder, 'postgres')) as string,
    });

    chmodSync(folder, 0o700);
    const [elsewhere] = await checkDatabasePlace(stackPaths(folder));
    expect(elsewhere?.detail).toContain('in /var/lib/murnau/');

    mkdirSync(join(folder, 'postgres/data'), { recursive: true });
    writeFileSync(join(folder, 'postgres/data/PG_VERSION'), '18\n');
    await chown(join(folder, 'postgres/data/PG_VERSION'), 65_534, 65_534);
    const [closed] = await checkDatabasePlace(stackPaths(folder));
    expect(closed?.refusal).toMatchObject({ code: 'setup.home_unusable', given: folder });
  });
});
