import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KeptFiles } from './kept-files.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'murnau-kept-'));
  mkdirSync(join(folder, 'ab'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const pathOf = (name: string): string => join(folder, 'ab', name);
const names = (): string[] => readdirSync(join(folder, 'ab')).sort();

/** @param usedS seconds since 1970 */
async function add(files: KeptFiles, name: string, usedS: number): Promise<void> {
  writeFileSync(pathOf(name), Buffer.alloc(100));
  utimesSync(pathOf(name), usedS, usedS);
  await files.added(100);
}

describe('the files of a folder', () => {
  it('stay within their bytes: the least recently used go first', async () => {
    const files = new KeptFiles(folder, 400);
    for (const [index, name] of ['a', 'b', 'c', 'd'].entries()) await add(files, name, 1_000 + index);
    expect(names()).toEqual(['a', 'b', 'c', 'd']);
    await files.used(pathOf('a'));
    await add(files, 'e', 2_000);
    // Cut to nine tenths: three files.
    expect(names()).toEqual(['a', 'd', 'e']);
  });

  it('are known after a restart, and in another process', async () => {
    for (const [index, name] of ['a', 'b', 'c', 'd', 'e'].entries()) {
      writeFileSync(pathOf(name), Buffer.alloc(100));
      utimesSync(pathOf(name), 1_000 + index, 1_000 + index);
    }
    await add(new KeptFiles(folder, 400), 'f', 2_000);
    expect(names()).toEqual(['d', 'e', 'f']);
  });

  it('never pass their bound by more than what is being added', async () => {
    const files = new KeptFiles(folder, 1_000);
    for (let number = 0; number < 100; number += 1) {
      await add(files, `file-${number}`, 1_000 + number);
      expect(names().length).toBeLessThanOrEqual(10);
    }
    expect(names()).toContain('file-99');
  });

  it('may be none', async () => {
    await add(new KeptFiles(folder, 0), 'a', 1_000);
    expect(names()).toEqual([]);
  });
});
