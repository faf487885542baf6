import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generationRequestSchema, parse } from '@murnau/domain';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { collectingLock } from '../blobs/collect-garbage.js';
import { migrationNames } from '../database/migrations.js';
import { createTestDatabase } from '../postgres/test-postgres.js';
import { newSample, openTestStore, type TestStore } from '../test-store.js';
import { ArchiveReader } from './archive-reader.js';
import { ArchiveWriter } from './archive-writer.js';
import { backUp } from './back-up.js';
import { type ArchiveHeader, type ArchiveManifest, headerName, manifestName } from './manifest.js';
import { checkArchive, restore } from './restore.js';

const quiet = { onProgress: () => undefined };
const claim = { chain: 0, segment: 1, attempt: 1 };

let test: TestStore;
let folder: string;
let archives = 0;

beforeAll(async () => {
  test = await openTestStore();
  folder = mkdtempSync(join(tmpdir(), 'murnau-archive-'));
});
afterAll(async () => {
  await test.close();
  rmSync(folder, { recursive: true, force: true });
});

const newPath = (): string => join(folder, `${(archives += 1)}.tar`);

const backedUp = (from: TestStore, target: string): Promise<ArchiveManifest> =>
  backUp({
    databaseUrl: from.databaseUrl,
    blobDir: from.blobDir,
    target,
    edition: 7,
    files: { 'models.yaml': Buffer.from('models: {}\n') },
    ...quiet,
  });

interface Restored {
  store: TestStore;
  files: Record<string, string>;
}

async function restored(archive: string): Promise<Restored> {
  const databaseUrl = await createTestDatabase(inject('serverUrl'));
  const blobDir = mkdtempSync(join(folder, 'blobs-'));
  const files: Record<string, string> = {};
  const onFile = (name: string, content: string) => {
    files[name] = content;
    return Promise.resolve();
  };
  await checkArchive(archive, quiet);
  await restore({ archive, databaseUrl, blobDir, onFile, ...quiet });
  return { store: await openTestStore(databaseUrl, blobDir), files };
}

/** A run with a checkpoint, metrics and a sample at step 25. */
async function trainedRun(): Promise<string> {
  const id = await test.newRun();
  const { epoch } = await test.store.runs.claim(id, claim, 'worker-0');
  const state = await test.blob(`state of ${id}`);
  await test.store.runs.recordProgress(id, epoch, {
    metrics: [{ step: 25, name: 'eval_loss', value: 0.1 + 0.2 }],
    samples: [newSample(25, await test.blob(`picture of ${id}`), { prompt: 'a\tb\\c\nd "é" 名' })],
    checkpoint: { step: 25, state_hash: state, embedding_hash: await test.blob(`embedding of ${id}`) },
  });
  return id;
}

const tableOf = ({ tables }: ArchiveManifest): Record<string, [number, string]> =>
  Object.fromEntries(tables.map(({ name, rows, sha256 }) => [name, [rows, sha256]]));

describe('a backup', () => {
  it('is restored to the same rows and files, and all goes on', async () => {
    const run = await trainedRun();
    const sweep = await test.newSweep({ parameters: { seed: { values: [1, 2, 3] } } });
    const request = parse(generationRequestSchema, { task: 'text2img', prompt: 'x' }, 'request');
    await test.store.generations.create({ owner: 'ann', request });
    const abandoned = await test.blob('abandoned');
    const target = newPath();
    const manifest = await backedUp(test, target);
    expect(statSync(target).mode & 0o777).toBe(0o600);
    const { store: other, files } = await restored(target);
    try {
      expect(files).toEqual({ 'models.yaml': 'models: {}\n' });
      // A backup of what was restored has the same tables.
      expect(tableOf(await backedUp(other, newPath()))).toEqual(tableOf(manifest));
      expect(await other.store.runs.getWithDetails(run)).toEqual(await test.store.runs.getWithDetails(run));
      expect((await other.store.sweeps.facts(sweep.id)).counts).toEqual(
        (await test.store.sweeps.facts(sweep.id)).counts,
      );
      // Of files, what rows refer to.
      expect(await other.store.blobs.has([abandoned])).toEqual(new Set());
      // The run goes on from its checkpoint, in a claim above the ones before.
      const resumed = await other.store.runs.claim(run, { ...claim, attempt: 2 }, 'worker-1');
      expect(resumed).toMatchObject({ epoch: 2, resume: { step: 25 } });
      const [checkpoint] = await other.store.runs.checkpoints(run);
      expect(String(await other.store.blobs.get(checkpoint?.state_hash ?? ''))).toBe(`state of ${run}`);
      // New rows come after the old ones: in pages and behind every cursor.
      const before = await test.store.events.newest({}, 1);
      const { id } = await other.store.datasets.create({ name: 'later', owner: 'ann', images: [] });
      expect((await other.store.datasets.list()).items[0]?.id).toBe(id);
      await other.store.events.record({ kind: 'note', run_id: run });
      const after = await other.store.events.list({ runId: run }, { after: before[0]?.id });
      expect(after.map(({ kind }) => kind)).toContain('note');
    } finally {
      await other.close();
    }
  });

  it('is of one moment, although others write meanwhile', async () => {
    let isWriting = true;
    const writing = Array.from({ length: 3 }, async () => {
      while (isWriting) await test.newRun();
    });
    const target = newPath();
    try {
      await backedUp(test, target);
    } finally {
      isWriting = false;
      await Promise.all(writing);
    }
    const { store: other } = await restored(target);
    try {
      const [counts] = await other.query<{ runs: string; created: string }>(`
        select (select count(*) from runs where sweep_id is null) as runs,
               (select count(*) from events where kind = 'created' and run_id is not null) as created`);
      expect(counts?.runs).toBe(counts?.created);
      const [source] = await test.query<{ runs: string }>('select count(*) as runs from runs');
      expect(Number(source?.runs)).toBeGreaterThan(Number(counts?.runs));
    } finally {
      await other.close();
    }
  });

  it('lets nobody in: it has no browser that is logged in', async () => {
    await test.store.sessions.begin('hash of a cookie', 3_600);
    const { tables } = await backedUp(test, newPath());
    expect(tables.map(({ name }) => name)).toContain('runs');
    expect(tables.map(({ name }) => name)).not.toContain('sessions');
  });

  it('is read by tar', async () => {
    const target = newPath();
    const { blobs } = await backedUp(test, target);
    const names = execFileSync('tar', ['-tf', target], { encoding: 'utf8' }).trim().split('\n');
    expect(names[0]).toBe(headerName);
    expect(names.slice(-2)).toEqual([manifestName, 'sha256']);
    expect(names.filter((name) => name.startsWith('blobs/'))).toHaveLength(blobs.count);
  });

  it('takes the place of nothing, and leaves nothing when it fails', async () => {
    const place = join(folder, 'failing');
    await mkdir(place);
    const target = join(place, 'there.tar');
    writeFileSync(target, 'mine');
    await expect(backedUp(test, target)).rejects.toMatchObject({ code: 'usage.invalid', given: target });
    expect(readFileSync(target, 'utf8')).toBe('mine');

    const hash = await test.blob(`picture of ${await trainedRun()}`);
    const content = readFileSync(test.store.blobs.path(hash));
    rmSync(test.store.blobs.path(hash));
    const lost = { code: 'blob.not_found', given: hash };
    await expect(backedUp(test, join(place, 'new.tar'))).rejects.toMatchObject(lost);
    writeFileSync(test.store.blobs.path(hash), Buffer.alloc(content.length));
    const rotten = { code: 'blob.corrupt', given: hash };
    await expect(backedUp(test, join(place, 'new.tar'))).rejects.toMatchObject(rotten);
    writeFileSync(test.store.blobs.path(hash), content);

    await expect(backedUp(test, join(folder, 'no', 'such.tar'))).rejects.toMatchObject({
      code: 'usage.invalid',
    });
    expect(readdirSync(place)).toEqual(['there.tar']);
  });

  it('keeps what it has seen from being collected', async () => {
    await test.blob('nobody refers to this');
    const client = new pg.Client({ connectionString: test.databaseUrl });
    await client.connect();
    try {
      await client.query('select pg_advisory_lock(hashtextextended($1, 0))', [collectingLock]);
      expect(await test.store.blobs.collectGarbage(0)).toMatchObject({ removed: 0 });
    } finally {
      await client.end();
    }
    await expect.poll(async () => (await test.store.blobs.collectGarbage(0)).removed).toBeGreaterThan(0);
  });
});

/** A file system of one megabyte, where this process may mount one. */
function mountSmallDisk(): string | undefined {
  const place = mkdtempSync(join(tmpdir(), 'murnau-small-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', place], { stdio: 'ignore' });
    return place;
  } catch {
    rmSync(place, { recursive: true, force: true });
    return undefined;
  }
}

const smallDisk = mountSmallDisk();
afterAll(() => {
  if (smallDisk === undefined) return;
  execFileSync('umount', [smallDisk]);
  rmSync(smallDisk, { recursive: true, force: true });
});

describe.skipIf(smallDisk === undefined)('a full disk', () => {
  it('is said, and has room again afterwards', async () => {
    const images = [{ hash: '', name: '1.png', width: 64, height: 64 }];
    const { hash } = await test.store.blobs.put(Buffer.alloc(2_000_000, 'x'), 'image/png');
    await test.store.datasets.create({ name: 'large', owner: 'ann', images: [{ ...images[0]!, hash }] });
    await expect(backedUp(test, join(smallDisk!, 'new.tar'))).rejects.toMatchObject({
      code: 'storage.full',
    });
    expect(readdirSync(smallDisk!)).toEqual([]);
  });
});

describe('an archive that is not as it was written', () => {
  let whole: Buffer;
  beforeAll(async () => {
    const target = newPath();
    await backedUp(test, target);
    whole = readFileSync(target);
  });

  const refusal = async (content: Buffer): Promise<unknown> => {
    const path = newPath();
    writeFileSync(path, content);
    try {
      return await checkArchive(path, quiet).then(
        () => 'taken',
        (error: { code?: string }) => error.code ?? error,
      );
    } finally {
      rmSync(path);
    }
  };

  it('is refused with any one byte flipped, wherever it is', async () => {
    const places = Array.from({ length: 64 }, (_, index) => Math.floor((index * whole.length) / 64));
    for (const place of [...places, whole.length - 1, whole.length - 1_025, whole.length - 2_048]) {
      const altered = Buffer.from(whole);
      altered.writeUInt8(altered.readUInt8(place) ^ 0x10, place);
      // The first digit of the format may become that of a later one.
      expect([place, await refusal(altered)]).toEqual([
        place,
        expect.stringMatching(/^backup\.(damaged|other_version)$/),
      ]);
    }
  });

  it('is refused when it is cut, wherever', async () => {
    for (let part = 0; part < 40; part += 1) {
      const length = Math.floor((part * whole.length) / 40);
      expect([length, await refusal(whole.subarray(0, length))]).toEqual([length, 'backup.damaged']);
    }
    expect(await refusal(whole.subarray(0, whole.length - 1))).toBe('backup.damaged');
    expect(await refusal(Buffer.concat([whole, Buffer.alloc(512)]))).toBe('backup.damaged');
  });

  it('is refused when it is of a later format, or of migrations that are not known here', async () => {
    const text = whole.toString('latin1');
    expect(await refusal(Buffer.from(text.replace('"format": 1', '"format": 9'), 'latin1'))).toBe(
      'backup.other_version',
    );
    const reader = await openWhole();
    const header: ArchiveHeader = await reader.header();
    await reader.close();
    const path = newPath();
    const file = await open(path, 'wx');
    const writer = new ArchiveWriter(file);
    const later = { ...header, migrations: [...migrationNames, '9999-of-a-later-one'] };
    await writer.add(headerName, Buffer.from(JSON.stringify(later)));
    await writer.finish();
    await file.close();
    await expect(checkArchive(path, quiet)).rejects.toMatchObject({
      code: 'backup.other_version',
      given: '9999-of-a-later-one',
    });
  });

  it.each(['', 'x', 'x'.repeat(10_000)])('is refused when it is none: %j', async (content) => {
    expect(await refusal(Buffer.from(content))).toBe('backup.damaged');
  });

  const openWhole = (): Promise<ArchiveReader> => {
    const path = newPath();
    writeFileSync(path, whole);
    return ArchiveReader.open(path);
  };

  /** The same archive with some entries left out or changed, and a digest that fits. */
  async function rewritten(change: (name: string, content: Buffer) => Buffer | undefined): Promise<string> {
    const reader = await openWhole();
    const path = newPath();
    const file = await open(path, 'wx');
    const writer = new ArchiveWriter(file);
    for await (const entry of reader.entries()) {
      const chunks: Buffer[] = [];
      for await (const chunk of entry.chunks()) chunks.push(chunk);
      const content = change(entry.name, Buffer.concat(chunks));
      if (content !== undefined) await writer.add(entry.name, content);
    }
    await writer.finish();
    await Promise.all([file.close(), reader.close()]);
    return path;
  }

  it.each<[string, (name: string, content: Buffer) => Buffer | undefined]>([
    ['files are missing', (name, content) => (/^blobs\/.*[0-7]$/.test(name) ? undefined : content)],
    ['a file is another', (name, content) => (name.startsWith('blobs/') ? Buffer.from('other') : content)],
    ['a table is missing', (name, content) => (name.startsWith('tables/metrics/') ? undefined : content)],
    [
      'a row is missing',
      (name, content) =>
        name.startsWith('tables/datasets/') ? content.subarray(content.indexOf(10) + 1) : content,
    ],
    ['the manifest is missing', (name, content) => (name === manifestName ? undefined : content)],
  ])('is refused by its contents when %s, whatever its digest', async (_, change) => {
    await expect(restored(await rewritten(change))).rejects.toMatchObject({ code: 'backup.damaged' });
  });
});
