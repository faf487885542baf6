import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createOutput } from './core/io.js';
import { readEnvironment } from './env.js';
import { nameOf, nouns } from './nouns.js';
import { buildProgram } from './program.js';

const output = createOutput({ write: () => true }, readEnvironment({ NO_COLOR: '1' }));
const host = {
  io: { out: output, err: output },
  context: () => expect.fail('nothing is run'),
  exitWith: () => undefined,
  spell: String,
};
const entry = fileURLToPath(new URL('../dist/main.js', import.meta.url));

/** Writes the address of each module that is loaded to stderr. */
const loadHook = `import { writeSync } from 'node:fs';
export const load = (url, context, next) => (writeSync(2, url + '\\n'), next(url, context));`;
const asUrl = (source: string): string => `data:text/javascript,${encodeURIComponent(source)}`;

/** The modules that a command loads, of this project by their path in it. */
async function loadedBy(...args: string[]): Promise<string[]> {
  const register = `import { register } from 'node:module'; register(${JSON.stringify(asUrl(loadHook))});`;
  const { stderr } = await promisify(execFile)(process.execPath, [
    '--import',
    asUrl(register),
    entry,
    ...args,
  ]);
  return stderr.split('\n').filter((line) => line.startsWith('file:'));
}

describe('nouns', () => {
  it('are the folders of commands/', async () => {
    const folders = await readdir(fileURLToPath(new URL('./commands', import.meta.url)));
    expect(nouns.map(nameOf).sort()).toEqual(folders.sort());
  });

  it('are listed alike whether they are loaded or not', async () => {
    const bare = await buildProgram(host, []);
    expect(bare.helpInformation()).toBe((await buildProgram(host)).helpInformation());
    for (const { commands, options } of bare.commands)
      expect(commands.length + options.length).toBeLessThan(4);
  });

  it('are loaded where they are named', async () => {
    const program = await buildProgram(host, ['--profile', 'lab', 'runs', 'ls']);
    const filled = program.commands.filter(({ commands }) => commands.length > 0);
    expect(filled.map((command) => command.name())).toEqual(['runs']);
  });

  it('are not loaded for the help, nor is what it has no use for', async () => {
    const loaded = await loadedBy('--help');
    expect(loaded.some((file) => file.endsWith('/nouns.js'))).toBe(true);
    expect(loaded.filter((file) => /\/commands\/|\/zod\/|\/libs\/(?!environment\/)/.test(file))).toEqual([]);
  });

  it('are loaded alone by their commands', async () => {
    const loaded = await loadedBy('runs', '--help');
    const folders = loaded.flatMap((file) => /\/commands\/([^/]+)\//.exec(file)?.[1] ?? []);
    expect([...new Set(folders)]).toEqual(['runs']);
  });
});
