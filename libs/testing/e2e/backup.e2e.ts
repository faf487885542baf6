import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Leaderboard, Run, Sweep } from '@murnau/domain';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repository, runCli, StackUnderTest, until } from '../src/index.js';

// A whole stack on simulated workers: what is open when the backup is made goes on in another data folder.

const sweepFile = `
name: kept
dataset: ${join(repository, 'examples/octopus')}
parameters:
  pair: { values: [{ placeholder: oktavo, initializer: fish }, { placeholder: oktavo, initializer: cat }] }
  max_steps: { value: 400 }
checkpoint: { every_steps: 10 }
samples: { every_steps: 0, final_count: 0 }
`;

let folder: string;
let archive: string;
let stack: StackUnderTest;
let sweep: Sweep;
let before: readonly Run[];

const trialsOf = async (on: StackUnderTest, id: string): Promise<Run[]> =>
  (await on.json<Leaderboard & { sweep: Sweep }>(['sweep', 'describe', id])).runs;

const restoreInto = (home: string, file = archive) =>
  runCli(['admin', 'restore', file], { env: { MURNAU_HOME: home } });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'murnau-backup-'));
  archive = join(folder, 'murnau.tar');
  stack = await StackUnderTest.up(['--simulate', '--simulate-step-ms', '40']);
  const file = join(folder, 'sweep.yaml');
  await writeFile(file, sweepFile);
  sweep = await stack.json<Sweep>(['sweep', 'create', file]);
  await until('both trials to be in their middle', async () =>
    (await trialsOf(stack, sweep.id)).every(({ certified_step: step }) => step >= 20) ? true : undefined,
  );
});

afterAll(async () => {
  await stack?.close();
  await rm(folder, { recursive: true, force: true });
});

describe('a backup of a stack at work', () => {
  it('is one file for its owner alone, without the token', async () => {
    before = await trialsOf(stack, sweep.id);
    const made = await stack.json<{ path: string; rows: number }>(['admin', 'backup', archive]);
    expect(made).toMatchObject({ path: archive, rows: expect.any(Number) });
    expect((await stat(archive)).mode & 0o777).toBe(0o600);
    const token = (await readFile(join(stack.home, 'token'), 'utf8')).trim();
    expect((await readFile(archive)).includes(token)).toBe(false);
    expect(await stack.murnau(['admin', 'backup', archive])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('is there already'),
    });
    // What it was made of goes on.
    const [first] = await trialsOf(stack, sweep.id);
    await until('a step more', async () => {
      const now = (await trialsOf(stack, sweep.id)).find(({ id }) => id === first?.id);
      return (now?.certified_step ?? 0) > (first?.certified_step ?? 0) ? true : undefined;
    });
    await stack.done(['down']);
  });

  it('goes on in another data folder, from its checkpoints to the end', { timeout: 240_000 }, async () => {
    const home = join(folder, 'another');
    expect(await restoreInto(home)).toMatchObject({ exitCode: 0, stdout: `${home}\n` });
    const other = await StackUnderTest.at(home, ['--simulate', '--simulate-step-ms', '5']);
    try {
      const restored = await trialsOf(other, sweep.id);
      expect(restored.map(({ id }) => id).sort()).toEqual(before.map(({ id }) => id).sort());
      for (const { id, certified_step } of before) {
        const now = restored.find((run) => run.id === id);
        expect(now?.certified_step).toBeGreaterThanOrEqual(certified_step);
      }
      const ended = await until('the trials to end', async () => {
        const runs = await trialsOf(other, sweep.id);
        return runs.every(({ phase }) => phase === 'finished') ? runs : undefined;
      });
      for (const { certified_step, restarts } of ended) {
        expect(certified_step).toBe(400);
        expect(Object.keys(restarts)).not.toContain('internal');
      }
      const events = await other.json<{ kind: string }[]>([
        'runs',
        'logs',
        ended[0]?.id ?? '',
        '--limit',
        '1000',
      ]);
      expect(events.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['restarted', 'finished']));
      // A folder with data takes no other.
      await other.done(['down']);
      const refused = await restoreInto(home);
      expect(refused).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining('backup.folder_not_empty'),
      });
      // With the stack down a backup starts the database for the time.
      const again = join(folder, 'again.tar');
      await other.done(['admin', 'backup', again]);
      expect((await stat(again)).size).toBeGreaterThan((await stat(archive)).size / 2);
      // As root the database may lie elsewhere: where its own user can pass.
      const beside = join(home, 'postgres');
      const place = (await readFile(join(beside, 'elsewhere'), 'utf8').catch(() => beside)).trim();
      expect(await readdir(join(place, 'data'))).toContain('PG_VERSION');
      expect(await readdir(join(place, 'data'))).not.toContain('postmaster.pid');
    } finally {
      await other.close();
    }
  });

  it('is refused when it is cut, and leaves no folder behind', async () => {
    const cut = join(folder, 'cut.tar');
    await writeFile(cut, await readFile(archive));
    await truncate(cut, 300_000);
    const home = join(folder, 'nowhere');
    expect(await restoreInto(home, cut)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('is cut: its end is missing'),
    });
    await expect(stat(home)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('begins anew where a restore was killed, and up refuses what that has left', async () => {
    const home = join(folder, 'killed');
    await mkdir(join(home, 'blobs'), { recursive: true });
    await writeFile(join(home, 'edition'), 'a restore that is not finished\n');
    const up = await runCli(['up'], { env: { MURNAU_HOME: home } });
    expect(up).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('murnau admin restore') });
    expect(await restoreInto(home)).toMatchObject({ exitCode: 0 });
    expect(await readFile(join(home, 'edition'), 'utf8')).toMatch(/^\d+\n$/);
  });
});
