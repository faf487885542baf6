import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { writeText } from './files.js';
import { tryLock, withLockIfPossible } from './lock.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'murnau-files-'));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

/** Files can be made, but nothing can be written into them. */
async function fillDisk(): Promise<void> {
  const handle = await open(folder);
  const prototype = Object.getPrototypeOf(handle) as FileHandle;
  await handle.close();
  const error = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  vi.spyOn(prototype, 'writeFile').mockRejectedValue(error);
}

describe('on a full disk', () => {
  test('a write fails, keeps the old content and leaves nothing behind', async () => {
    const path = join(folder, 'stack.json');
    await writeText(path, 'old');
    await fillDisk();
    await expect(writeText(path, 'new')).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(readdirSync(folder)).toEqual(['stack.json']);
    expect(readFileSync(path, 'utf8')).toBe('old');
  });

  test('a lock fails and leaves nothing behind; what goes on without one is done once', async () => {
    await fillDisk();
    const path = join(folder, 'up.lock');
    await expect(tryLock(path)).rejects.toMatchObject({ code: 'ENOSPC' });
    const work = vi.fn(() => Promise.resolve('done'));
    expect(await withLockIfPossible(path, work)).toBe('done');
    expect(work).toHaveBeenCalledTimes(1);
    expect(readdirSync(folder)).toEqual([]);
  });
});

test('a file that cannot take its place leaves nothing behind', async () => {
  const path = join(folder, 'stack.json');
  mkdirSync(path);
  await expect(writeText(path, 'new')).rejects.toMatchObject({ code: 'EISDIR' });
  expect(readdirSync(folder)).toEqual(['stack.json']);
});
