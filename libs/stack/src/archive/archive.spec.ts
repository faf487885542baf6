// The real database, started for the time: no stack runs here.
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createStore } from '@murnau/store';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeDataFolder } from '../data-folder.js';
import { checkEdition, edition, isUnfinishedRestore, unfinishedRestore, writeEdition } from '../edition.js';
import { findMarked } from '../marked.js';
import { stackPaths, type StackPaths } from '../paths.js';
import { backUpStack } from './back-up-stack.js';
import { restoreStack } from './restore-stack.js';
import { withOwnDatabase } from './with-database.js';

const quiet = { onProgress: () => undefined };

let folder: string;
let paths: StackPaths;
let archive: string;
let datasetId: string;

const inStore = <Result>(of: StackPaths, work: (store: ReturnType<typeof createStore>) => Promise<Result>) =>
  withOwnDatabase(of, async (databaseUrl) => {
    const store = createStore({ databaseUrl, blobDir: of.blobs });
    try {
      await store.migrate();
      return await work(store);
    } finally {
      await store.close();
    }
  });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'murnau-restore-'));
  // As root the database's user passes through.
  await chmod(folder, 0o755);
  paths = stackPaths(join(folder, 'home'));
  archive = join(folder, 'backup.tar');
  await makeDataFolder(paths);
  await writeEdition(paths);
  await writeFile(paths.token, 'a-secret-that-stays-here\n');
  await writeFile(paths.models, 'models: {} # mine\n');
  datasetId = await inStore(paths, async (store) => {
    const { hash } = await store.blobs.put(Buffer.from('a picture'), 'image/png');
    const images = [{ hash, name: '1.png', width: 64, height: 64 }];
    return (await store.datasets.create({ name: 'things', owner: 'ann', images })).id;
  });
  await backUpStack({ home: paths.home, file: archive, ...quiet });
});
afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));

const restoreInto = (home: string, signal?: AbortSignal) =>
  restoreStack({ home, file: archive, onProgress: () => undefined, signal });

describe('a data folder', () => {
  test('is restored closed, with its models and without the token', async () => {
    expect((await readFile(archive)).includes('a-secret')).toBe(false);
    const other = stackPaths(join(folder, 'deeper', 'other'));
    await restoreInto(other.home);
    await checkEdition(other);
    expect(await readFile(other.models, 'utf8')).toBe('models: {} # mine\n');
    expect(await readdir(other.home)).not.toContain('token');
    expect((await stat(other.home)).mode & 0o007).toBe(0);
    expect((await stat(other.blobs)).mode & 0o777).toBe(0o700);
    const [image] = await inStore(other, async (store) => {
      const { images } = await store.datasets.get(datasetId);
      expect(String(await store.blobs.get(images[0]?.hash ?? ''))).toBe('a picture');
      return images;
    });
    expect(image).toMatchObject({ name: '1.png' });
    // Nothing runs on in either folder.
    for (const { home } of [paths, other]) expect(await findMarked(home)).toEqual([]);
  });

  test('that is not empty takes no backup, and stays as it is', async () => {
    const home = join(folder, 'full');
    await mkdir(home);
    await writeFile(join(home, 'thesis.txt'), 'mine');
    await expect(restoreInto(home)).rejects.toMatchObject({
      code: 'backup.folder_not_empty',
      message: expect.stringContaining('thesis.txt'),
    });
    expect(await readdir(home)).toEqual(['thesis.txt']);
    await expect(restoreInto(paths.home)).rejects.toMatchObject({ code: 'backup.folder_not_empty' });
  });

  test.each([
    ['a new one', undefined],
    ['an empty one', []],
  ])('is as before (%s) when a restore is interrupted', async (_, names) => {
    const home = join(folder, `interrupted-${names?.length ?? 'new'}`);
    if (names !== undefined) await mkdir(home);
    const interrupt = new AbortController();
    const restoring = restoreStack({
      home,
      file: archive,
      signal: interrupt.signal,
      onProgress: ({ doing, done }) => {
        if (doing === 'tables' && done > 2) interrupt.abort();
      },
    });
    await expect(restoring).rejects.toThrow(/abort/i);
    expect(await readdir(home).catch(() => undefined)).toEqual(names);
    expect(await findMarked(home)).toEqual([]);
  });

  test('of a restore that was killed is no data folder, and is filled anew', async () => {
    const killed = stackPaths(join(folder, 'killed'));
    await makeDataFolder(killed);
    await writeFile(killed.edition, unfinishedRestore);
    await writeFile(join(killed.blobs, 'half'), 'half');
    await expect(checkEdition(killed)).rejects.toMatchObject({
      code: 'setup.data_edition',
      message: expect.stringContaining('murnau admin restore FILE'),
    });
    await restoreInto(killed.home);
    expect(await isUnfinishedRestore(killed)).toBe(false);
    expect(await readFile(killed.edition, 'utf8')).toBe(`${edition}\n`);
    expect(await readdir(killed.blobs)).not.toContain('half');
  });

  test('without data has nothing to back up', async () => {
    const home = join(folder, 'nothing');
    const file = join(folder, 'nothing.tar');
    await expect(backUpStack({ home, file, ...quiet })).rejects.toMatchObject({
      code: 'usage.invalid',
      field: 'MURNAU_HOME',
    });
    expect(await readdir(folder)).not.toContain('nothing.tar');
  });
});
