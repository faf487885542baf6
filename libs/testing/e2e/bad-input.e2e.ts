import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repository, runCli, StackUnderTest } from '../src/index.js';

const pictures = join(repository, 'examples/octopus');
let folder: string;
let stack: StackUnderTest;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'murnau-bad-'));
  await mkdir(join(folder, 'empty'));
  await mkdir(join(folder, 'text'));
  await writeFile(join(folder, 'text', 'cat.jpg'), 'this is not a picture');
  await writeFile(
    join(folder, 'typo.yaml'),
    `name: a\ndataset: ${pictures}\nrun_capp: 3\nparameters:\n  pair: { values: [{ placeholder: oktavo, initializer: cat }] }\n`,
  );
  stack = await StackUnderTest.up();
}, 120_000);

afterAll(async () => {
  await stack?.close();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

const train = (dir: string, placeholder: string, initializer: string): string[] => [
  'train',
  dir,
  '--placeholder',
  placeholder,
  '--initializer',
  initializer,
];

describe('bad input gets one clear sentence and an exit code', () => {
  it.each([
    ['an empty folder', () => train(join(folder, 'empty'), 'oktavo', 'cat'), 2, /no pictures|empty/],
    ['a folder that is not there', () => train(join(folder, 'nowhere'), 'oktavo', 'cat'), 2, /nowhere/],
    ['a text file called .jpg', () => train(join(folder, 'text'), 'oktavo', 'cat'), 2, /cat\.jpg/],
    ['a placeholder that is a known word', () => train(pictures, 'cat', 'fish'), 2, /"?cat"?.*(known|word)/],
    [
      'a placeholder with capitals and digits',
      () => train(pictures, 'Oktavo8', 'cat'),
      2,
      /lower-case letters a to z/,
    ],
    ['an initializer of two tokens', () => train(pictures, 'oktavo', 'catfish'), 2, /one token/],
    ['an unknown key', () => ['sweep', 'create', join(folder, 'typo.yaml')], 2, /run_capp.*run_cap"/],
    ['an unknown run', () => ['runs', 'show', 'ffffffff'], 102, /ffffffff/],
    ['an unknown command', () => ['trian'], 2, /train/],
  ])('%s', async (_, args, exitCode, message) => {
    const result = await stack.murnau(args());
    expect(result.stderr).toMatch(message);
    expect(result.exitCode).toBe(exitCode);
    expect(result.stdout).toBe('');
    expect(result.stderr).not.toMatch(/\n\s+at /);
  });

  it('a server that is not running', async () => {
    const result = await runCli(['runs', 'ls'], { env: { MURNAU_HOME: join(folder, 'no-home') } });
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toMatch(/murnau up/);
  });
});
