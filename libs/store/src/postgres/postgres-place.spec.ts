import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { copyPostgresBinaries } from './postgres-binaries.js';
import { makeSocketDir, socketDirOf } from './postgres-folders.js';
import { findClosedFolder } from './postgres-owner.js';
import { elsewhereRoot, findPostgresPlace } from './postgres-place.js';
import { pretendDatabase } from './pretend-database.js';
import { preparePostgres } from './prepare-postgres.js';

const isRoot = process.getuid?.() === 0;
const nobody = { name: 'nobody', uid: 65_534, gid: 65_534 };
const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

let folder: string;
let umask: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'murnau-place-'));
  chmodSync(folder, 0o755);
  umask = process.umask(0o077);
});
afterEach(() => {
  process.umask(umask);
  rmSync(folder, { recursive: true, force: true });
});

describe('copyPostgresBinaries', () => {
  it('gives a copy that every user can run, from files that only their owner could read', async () => {
    const root = join(folder, 'native');
    mkdirSync(join(root, 'bin'), { recursive: true });
    writeFileSync(join(root, 'bin/postgres'), '', { mode: 0o700 });
    writeFileSync(join(root, 'bin/notes'), '');
    expect([modeOf(join(root, 'bin')), modeOf(join(root, 'bin/notes'))]).toEqual(['700', '600']);
    const copy = join(folder, 'copy');
    await copyPostgresBinaries({ root, version: '18' }, copy);
    expect(['', 'bin', 'bin/postgres', 'bin/notes'].map((name) => modeOf(join(copy, name)))).toEqual([
      ...['755', '755', '755', '644'],
    ]);
  });
});

describe('the folder of the socket', () => {
  it('is taken in /tmp only from its own user, and never through a link', async () => {
    const target = join(folder, 'target');
    mkdirSync(target);
    const link = join(folder, 'link');
    symlinkSync(target, link);
    await expect(makeSocketDir(link, undefined)).rejects.toMatchObject({ code: 'setup.home_unusable' });
    const own = join(folder, 'own');
    mkdirSync(own, { mode: 0o755 });
    await makeSocketDir(own, undefined);
    expect(modeOf(own)).toBe('700');
    expect(socketDirOf(`/${'x'.repeat(100)}`)).toMatch(/^\/tmp\/murnau-pg-/);
    expect(socketDirOf('/data/postgres')).toBe('/data/postgres/socket');
  });
});

describe.runIf(isRoot)('as root, with another user for the server', () => {
  it('a folder in one that this user cannot enter gives way to one that it can, for good', async () => {
    const closed = join(folder, 'closed');
    mkdirSync(closed);
    expect(await findClosedFolder(join(closed, 'postgres'), nobody)).toEqual({ path: closed, mode: '700' });
    expect(await findClosedFolder(folder, nobody)).toBeUndefined();

    const wanted = join(closed, 'postgres');
    const found = await findPostgresPlace(wanted, 'nobody');
    expect(dirname(found.home)).toBe(elsewhereRoot);
    // As an earlier first start under this umask left it: the server's user could not enter.
    mkdirSync(elsewhereRoot, { recursive: true });
    chmodSync(elsewhereRoot, 0o700);
    mkdirSync(wanted);
    writeFileSync(join(wanted, 'elsewhere'), `${found.home}\n`);
    pretendDatabase(found.home);
    try {
      const plan = await preparePostgres({ home: wanted, runAs: 'nobody' });
      expect(plan).toMatchObject({ dataDir: join(found.home, 'data'), uid: nobody.uid, gid: nobody.gid });
      expect(await findClosedFolder(plan.dataDir, nobody)).toBeUndefined();
      expect([modeOf(elsewhereRoot), modeOf(found.home), modeOf(wanted)]).toEqual(['711', '700', '700']);
      // Opened afterwards: the database stays where it is.
      chmodSync(closed, 0o755);
      expect(await findPostgresPlace(wanted)).toMatchObject({ home: found.home, owner: nobody });
      expect(readFileSync(join(wanted, 'elsewhere'), 'utf8')).toBe(`${found.home}\n`);
    } finally {
      rmSync(found.home, { recursive: true, force: true });
    }
  });

  it('a database whose folder was closed afterwards is refused, naming the folder, its mode and what to do', async () => {
    const closed = join(folder, 'closed');
    const home = join(closed, 'deep/postgres');
    pretendDatabase(home);
    await expect(findPostgresPlace(home)).rejects.toMatchObject({
      code: 'setup.home_unusable',
      given: closed,
      message: expect.stringMatching(
        /nobody here, who cannot enter .*\/closed \(mode 700\).*chmod o\+x/s,
      ) as string,
    });
    chmodSync(closed, 0o711);
    chmodSync(join(closed, 'deep'), 0o711);
    expect(await findPostgresPlace(home)).toEqual({ home, owner: nobody });
  });

  it('a database keeps the user that made it, and one of root is refused', async () => {
    const home = join(folder, 'postgres');
    pretendDatabase(home, { uid: 4242, gid: 4343 });
    expect((await findPostgresPlace(home)).owner).toEqual({ name: 'user 4242', uid: 4242, gid: 4343 });
    pretendDatabase(home, { uid: 0 });
    await expect(findPostgresPlace(home)).rejects.toMatchObject({
      code: 'setup.postgres_failed',
      message: expect.stringContaining('belongs to the user 0') as string,
    });
  });

  it('without such a user it is said how to get one', async () => {
    await expect(preparePostgres({ home: folder, runAs: 'no-such-user' })).rejects.toMatchObject({
      code: 'setup.postgres_user',
    });
  });

  it('settings are not written through a link of that user', async () => {
    const home = join(folder, 'postgres');
    pretendDatabase(home);
    const target = join(folder, 'target');
    writeFileSync(target, 'kept');
    symlinkSync(target, join(home, 'data/pg_hba.conf'));
    symlinkSync(target, join(home, 'local.conf'));
    await preparePostgres({ home });
    expect(readFileSync(target, 'utf8')).toBe('kept');
    expect(statSync(target).uid).toBe(0);
    expect(lstatSync(join(home, 'data/pg_hba.conf')).isFile()).toBe(true);
    expect(existsSync(join(home, 'data/pg_hba.conf.new-' + process.pid))).toBe(false);
  });
});
