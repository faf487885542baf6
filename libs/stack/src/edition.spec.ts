import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkEdition, edition, writeEdition } from './edition.js';
import { startStack } from './index.js';
import { stackPaths } from './paths.js';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'murnau-edition-'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

const contents = async (): Promise<string[]> => (await readdir(home, { recursive: true })).sort();

test('a new folder, and one where only models are registered, get the number of this edition', async () => {
  await writeFile(join(home, 'models.yaml'), 'models: {}\n');
  // A start that was killed has made folders, and nothing in them.
  await mkdir(join(home, 'temporal'));
  await checkEdition(stackPaths(home));
  expect(await contents()).toEqual(['models.yaml', 'temporal']);
  await writeEdition(stackPaths(home));
  expect(await readFile(join(home, 'edition'), 'utf8')).toBe(`${edition}\n`);
  await writeFile(join(home, 'temporal', 'temporal.db'), 'ours');
  await checkEdition(stackPaths(home));
  await checkEdition(stackPaths(join(home, 'not', 'there')));
});

test.each(['postgres', 'temporal'])(
  'data without a number (%s) is refused, and left as it is',
  async (data) => {
    await mkdir(join(home, data));
    await writeFile(join(home, data, 'file'), 'precious');
    const before = await contents();
    const refusal: unknown = await startStack({ home }).catch((error: unknown) => error);
    expect(refusal).toMatchObject({
      code: 'setup.data_edition',
      given: 'edition 1',
      allowed: `edition ${edition}`,
    });
    const { message } = refusal as Error;
    expect(message).toContain('an earlier edition');
    expect(message).toContain(`mv ${home} ${home}-kept`);
    expect(message).toContain('`murnau up` begins anew');
    expect(message.match(/\.(\s|$)/g)).toHaveLength(1);
    expect(await contents()).toEqual(before);
    expect(await readFile(join(home, data, 'file'), 'utf8')).toBe('precious');
  },
);

test.each([
  [edition - 1, 'an earlier'],
  [edition + 1, 'a later'],
])('data of edition %i is refused', async (number, which) => {
  await writeFile(join(home, 'edition'), `${number}\n`);
  await expect(checkEdition(stackPaths(home))).rejects.toThrow(`data of ${which} edition`);
});
