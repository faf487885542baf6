import { execFile, execFileSync } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOutput } from '../core/io.js';
import { readEnvironment } from '../env.js';
import { buildProgram, leavesOf } from '../program.js';
import { runHere } from '../testing/run-here.js';
import { complete } from './complete.js';

const output = createOutput({ write: () => true }, readEnvironment({ NO_COLOR: '1' }));
const host = {
  io: { out: output, err: output },
  context: () => expect.fail('nothing is run'),
  exitWith: () => undefined,
  spell: String,
};
const program = await buildProgram(host);
const leaves = [...leavesOf(program)];
const values = (line: string): string[] =>
  complete(program, line.split(' ')).candidates.map(({ value }) => value);
const paths = (line: string): string => complete(program, line.split(' ')).paths;

describe('candidates', () => {
  it.each(leaves)('%s offers its flags and the words that they take', (name, leaf) => {
    const offered = values(`${name} -`);
    expect(offered).toEqual([...leaf.options.map(({ long }) => long), '--help']);
    for (const { long, argChoices } of leaf.options) {
      if (argChoices === undefined) continue;
      expect(values(`${name} ${long} `)).toEqual(argChoices);
      expect(values(`${name} ${long}=`)).toEqual(argChoices.map((choice) => `${long}=${choice}`));
    }
  });

  it('are nouns and verbs by their beginning', () => {
    expect(values('')).toEqual([...program.commands.map((command) => command.name()), 'help']);
    expect(values('ru')).toEqual(['runs']);
    expect(values('sweep p')).toEqual(['pause', 'pick']);
    expect(values('help em')).toEqual(['embeddings']);
    expect(values('runs ls --phase paused --limit 3 --ow')).toEqual(['--owner']);
    expect(values('completion ')).toEqual(['bash', 'zsh', 'fish']);
    expect(values('train x --objective s')).toEqual(['split']);
    expect(values('train x --text-dropout ')).toEqual(['true', 'false']);
    // Nothing else can follow.
    expect(values('workers ')).toContain('--lift');
  });

  it.each([
    ['datasets add ', 'folders'],
    ['train ', 'folders'],
    ['train --seed 3 ', 'folders'],
    ['sweep create ', 'files'],
    ['runs show 7f3a --sheet ', 'files'],
    ['runs show 7f3a --sheet=', 'files'],
    ['generate --from ', 'files'],
    ['generate --out ', 'folders'],
    ['models convert a ', 'folders'],
    ['runs compare a b ', 'none'],
    ['runs watch ', 'none'],
    ['generate -- ', 'none'],
  ])('%s takes %s', (line, expected) => expect(paths(line)).toBe(expected));

  it.each(['trian ', 'runs lss ', 'runs ls --phase=nothing', 'up --simulate=', 'help runs '])(
    '%s has none',
    (line) => expect(complete(program, line.split(' '))).toEqual({ candidates: [], paths: 'none' }),
  );

  it('are printed without a server, whatever the words are', async () => {
    const { exitCode, stdout, stderr } = await runHere(['__complete', 'runs', 'ls', '--pha']);
    expect({ exitCode, stdout, stderr }).toEqual({
      exitCode: 0,
      stdout: '--phase\tonly runs in this phase\n:none\n',
      stderr: '',
    });
    for (const words of [[], ['"runs', ''], ['--'], ['runs', '--phase'], ['\u0000', '=']]) {
      const odd = await runHere(['__complete', ...words]);
      expect(odd).toMatchObject({ exitCode: 0, stderr: '', stdout: expect.stringMatching(/^:\w+$/m) });
    }
  });
});

const has = (command: string): boolean => {
  try {
    execFileSync(command, ['-c', 'exit 0']);
    return true;
  } catch {
    return false;
  }
};
const scriptFile = (shell: string): string =>
  fileURLToPath(new URL(`../../completion/murnau.${shell}`, import.meta.url));

describe('murnau completion', () => {
  it.each(['bash', 'zsh', 'fish'])('%s prints its script', async (shell) => {
    const { exitCode, stdout } = await runHere(['completion', shell]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('__complete');
    const json = await runHere(['completion', shell, '--json']);
    expect(JSON.parse(json.stdout)).toEqual({ shell, script: stdout });
  });

  it.each(['bash', 'zsh', 'fish'].filter(has))('the script is one that %s reads', async (shell) => {
    const { stderr } = await promisify(execFile)(shell, ['-n', scriptFile(shell)]);
    expect(stderr).toBe('');
  });

  it('refuses another shell', async () => {
    const { exitCode, stderr } = await runHere(['completion', 'csh']);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/not one of bash, zsh, fish/);
  });
});

describe.skipIf(!has('bash'))('in bash', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'murnau completion-'));
    const entry = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
    await writeFile(join(folder, 'murnau'), `#!/bin/sh\nexec "${process.execPath}" "${entry}" "$@"\n`);
    await chmod(join(folder, 'murnau'), 0o755);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** Presses Tab after the words, as bash takes them apart. */
  async function tab(...words: string[]): Promise<string[]> {
    const script = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _murnau "$1"; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout } = await promisify(execFile)(
      'bash',
      ['--norc', '-c', script, 'bash', scriptFile('bash'), 'murnau', ...words],
      { env: { PATH: [folder, process.env['PATH']].join(delimiter), HOME: folder } },
    );
    return stdout.split('\n').filter((line) => line !== '');
  }

  it.each([
    [['ru'], ['runs']],
    [
      ['datasets', ''],
      ['add', 'ls', 'show', 'rm', 'help'],
    ],
    [
      ['runs', 'ls', '--phase', '=', 'f'],
      ['finished', 'failed'],
    ],
    [
      ['runs', 'ls', '--phase', '='],
      ['queued', 'running', 'waiting', 'paused', 'finished', 'failed', 'cancelled'],
    ],
    [['generate', '"a $(touch x) `touch y`', '--samp'], ['--sampler']],
    [['datasets', 'add', ''], []],
  ])('murnau %j completes to %j', { timeout: 20_000 }, async (words, expected) => {
    expect(await tab(...words)).toEqual(expected);
  });
});
