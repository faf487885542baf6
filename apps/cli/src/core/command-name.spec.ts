import { chmod, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { everywhereLines } from '../commands/demo/everywhere.js';
import { runHere } from '../testing/run-here.js';
import { commandName, createSpell } from './command-name.js';

let folder: string;
let launcher: string;
const path = (...names: string[]): string => names.map((name) => join(folder, name)).join(delimiter);
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'murnau-name-')));
  for (const name of [
    'here/bin',
    'other',
    'linked',
    'empty',
    'shadow/murnau',
    'home/bin',
    'npm/node_modules/.bin',
  ]) {
    await mkdir(join(folder, name), { recursive: true });
  }
  launcher = join(folder, 'here/bin/murnau');
  for (const file of [launcher, join(folder, 'other/murnau'), join(folder, 'npm/node_modules/.bin/murnau')]) {
    await writeFile(file, '');
    await chmod(file, 0o755);
  }
  await symlink('../here/bin/murnau', join(folder, 'linked/murnau'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the command that is printed', () => {
  it.each([
    [['linked'], 'murnau'],
    [['empty', 'here/bin'], 'murnau'],
    // A folder of that name is no command, and npm's own folder is none of the person's.
    [['shadow', 'npm/node_modules/.bin', 'linked'], 'murnau'],
    [['other', 'linked'], undefined],
    [['empty'], undefined],
  ])('with %j on PATH is %s', (names, expected) => {
    const searchPath = path(...names);
    expect(commandName(searchPath, folder, launcher)).toBe(expected ?? launcher);
    expect(commandName(searchPath, join(folder, 'here'), launcher)).toBe(expected ?? 'bin/murnau');
  });

  it('is a path that a shell reads as one word', () => {
    expect(commandName('', undefined, "/home/ada's/a b/bin/murnau")).toBe(`'/home/ada'\\''s/a b/bin/murnau'`);
  });

  it('takes the place of the word where a command follows it', () => {
    const spell = createSpell('', ['runs', 'up'], folder);
    const text =
      'Look at `murnau runs ls`, then: murnau up. A PNG that murnau has written; /x/murnau up; murnau upper.';
    const [first, ...others] = spell(text).split(/(?<=murnau runs ls)/);
    expect(first).toMatch(/^Look at `\/\S+\/bin\/murnau runs ls$/);
    expect(others.join('')).toMatch(
      /^`, then: \/\S+\/bin\/murnau up\. A PNG that murnau has written; \/x\/murnau up; murnau upper\.$/,
    );
  });

  it('is in errors, advice and examples, not in documents', async () => {
    const bin = join(import.meta.dirname, '../../../../bin');
    const plain = { PATH: bin };
    const failed = await runHere(['runs', 'ls']);
    expect(failed.stderr).toMatch(/`\/\S+\/bin\/murnau up`/);
    expect((await runHere(['runs', 'ls'], plain)).stderr).toContain('`murnau up`');
    expect((await runHere(['runs', 'ls', '--json'])).stderr).toContain('`murnau up`');
    expect((await runHere(['up', '--help'])).stdout).toMatch(
      /^Usage: murnau up.*^ {2}\$ \/\S+\/bin\/murnau up$/ms,
    );
    expect((await runHere(['up', '--help'], plain)).stdout).toMatch(/^ {2}\$ murnau up$/m);
  });
});

describe('what makes murnau work everywhere', () => {
  const person = (searchPath: string, shell = '/bin/bash') => ({
    searchPath,
    shell,
    userHome: join(folder, 'home'),
  });

  it('is a link in a folder of the person that is on PATH', () => {
    expect(everywhereLines(person(path('empty', 'home/bin'), '/usr/bin/zsh'), launcher)).toEqual([
      `ln -sf ${launcher} ~/bin/murnau`,
      `echo 'source <(murnau completion zsh)' >> ~/.zshrc`,
    ]);
  });

  it('puts such a folder on PATH where there is none', () => {
    expect(everywhereLines(person(path('empty')), launcher)).toEqual([
      'mkdir -p ~/.local/bin',
      `ln -sf ${launcher} ~/.local/bin/murnau`,
      `echo 'export PATH="$HOME/.local/bin:$PATH"' >> ~/.bashrc`,
      `echo 'source <(murnau completion bash)' >> ~/.bashrc`,
    ]);
    expect(everywhereLines(person('', '/usr/bin/fish'), launcher)).toContain(
      'fish_add_path $HOME/.local/bin',
    );
  });

  it('is the completion alone where it works already', () => {
    expect(everywhereLines(person(path('linked'), '/usr/bin/fish'), launcher)).toEqual([
      'mkdir -p ~/.config/fish/completions',
      'murnau completion fish > ~/.config/fish/completions/murnau.fish',
    ]);
  });
});
