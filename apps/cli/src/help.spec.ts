import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { errorRegistry } from '@murnau/domain';
import { describe, expect, it } from 'vitest';
import { createContext } from './core/context.js';
import type { CommonOptions, Context } from './core/context.js';
import { exitCodes } from './core/exit-codes.js';
import type { Io } from './core/io.js';
import { createOutput } from './core/io.js';
import { readEnvironment } from './env.js';
import { buildProgram, leavesOf } from './program.js';

const environment = readEnvironment({ NO_COLOR: '1' });
const output = createOutput({ write: () => true }, environment);
const io: Io = { out: output, err: output };
const context = async (options: CommonOptions): Promise<Context> =>
  createContext(io, environment, options, String);
const program = await buildProgram({ io, context, exitWith: () => {}, spell: String });
const leaves = leavesOf(program);
const docs = await readFile(fileURLToPath(new URL('../../../docs/cli.md', import.meta.url)), 'utf8');

describe('help', () => {
  it('has the flags that tools/npm-flags.cjs looks for', () => {
    const ofNpm = new Set(['help', 'version', 'yes']);
    const names = [program, ...leaves.values()].flatMap(({ options }) =>
      options.map(({ long }) => String(long).slice(2)),
    );
    const { flags } = createRequire(import.meta.url)('../../../tools/npm-flags.cjs') as { flags: string[] };
    expect(flags).toEqual([...new Set(names)].filter((name) => !ofNpm.has(name)).sort());
  });

  // Refresh: npm run refresh -w @murnau/cli
  it('is the golden one', async () => {
    const pages = [
      ['murnau', program],
      ...[...leaves].map(([name, leaf]) => [`murnau ${name}`, leaf] as const),
    ] as const;
    const text = pages
      .map(([name, command]) => `# ${name} --help\n\n${command.helpInformation()}`)
      .join('\n');
    await expect(text).toMatchFileSnapshot('./help.golden.txt');
  });

  it.each([...leaves.keys()])('%s has --json, -y and --profile', (name) => {
    const flags = leaves.get(name)?.options.map(({ flags: text }) => text);
    expect(flags).toEqual(expect.arrayContaining(['--json', '-y, --yes', '--profile <name>']));
  });
});

describe('docs/cli.md', () => {
  it.each([...leaves.keys()])('has murnau %s and its flags', (name) => {
    expect(docs).toContain(`murnau ${name}`);
    for (const { long } of leaves.get(name)?.options ?? []) expect(docs).toContain(long);
  });
  it('has every exit code, of the commands and of the errors', () => {
    const errorCodes = Object.values(errorRegistry).map(({ exitCode }) => exitCode);
    for (const code of [...Object.values(exitCodes), ...errorCodes]) expect(docs).toContain(`| ${code} |`);
  });
  it('has every environment variable', async () => {
    const source = await readFile(fileURLToPath(new URL('./env.ts', import.meta.url)), 'utf8');
    const names = [...source.matchAll(/^ {2}([A-Z_]+): (text|number)/gm)].map(([, name]) => name ?? '');
    expect(names.length).toBeGreaterThan(6);
    for (const name of names.filter((name) => name.startsWith('MURNAU_'))) expect(docs).toContain(name);
  });
});
