import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, readlink, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repository, StackUnderTest } from '../src/index.js';

interface Command {
  readonly page: string;
  readonly line: string;
}

/** Lines of a page's `sh` blocks. */
function commandsOf(page: string, text: string): Command[] {
  return [...text.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, block = '']) =>
    block
      .replaceAll('\\\n', ' ')
      .split('\n')
      .filter((line) => line.trim() !== '' && !line.startsWith('#'))
      .map((line) => ({ page, line })),
  );
}

/** Words of a shell line; quotes group, comments end it. */
function words(line: string): string[] {
  return [...line.replace(/\s+#.*$/, '').matchAll(/"([^"]*)"|(\S+)/g)].map(
    ([, quoted, plain]) => quoted ?? plain ?? '',
  );
}

/** These are what runs this test, and the demo's own test. */
const ranElsewhere = new Set(['npm start', 'npm test']);

/** Lines that put the launcher on PATH. */
const ofTheShell = new Set(['mkdir', 'ln', 'echo']);

/** The README comes first: other pages go on with the word that its tour learns. */
const pages = [
  'README.md',
  ...(await readdir(join(repository, 'docs')))
    .filter((name) => name.endsWith('.md'))
    .sort()
    .map((name) => `docs/${name}`),
];
const commands = (
  await Promise.all(
    pages.map(async (page) => commandsOf(page, await readFile(join(repository, page), 'utf8'))),
  )
)
  .flat()
  .filter(({ line }) => !ranElsewhere.has(line));
/** The tour's end, which the other pages need to wait for. */
const last = commands.findIndex(({ line }) => line === 'murnau down');
commands.push(...commands.splice(last, 1));

/** A newcomer's folder: what the commands write stays out of the repository. */
let folder: string;
let stack: StackUnderTest;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'murnau-docs-'));
  await symlink(join(repository, 'examples'), join(folder, 'examples'));
  stack = await StackUnderTest.up();
}, 120_000);
afterAll(async () => {
  await stack?.close();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

describe('every command of the documentation runs', () => {
  it('finds commands', () => expect(commands.length).toBeGreaterThan(8));

  it.each(commands)('$page: $line', { timeout: 400_000 }, async ({ line }) => {
    const [program = '', ...args] = words(line);
    if (ofTheShell.has(program)) {
      // In the checkout, with a home of the test's own.
      const env = { ...process.env, HOME: folder };
      await expect(
        promisify(execFile)('bash', ['-c', line], { cwd: repository, env }),
      ).resolves.toBeDefined();
      return;
    }
    expect(program, `docs use only murnau in sh blocks: ${line}`).toBe('murnau');
    const result = await stack.murnau(args, { cwd: folder, timeoutMs: 390_000, byLauncher: true });
    expect(result.exitCode, `${result.stdout}\n${result.stderr}`).toBe(0);
  });

  it('and the launcher is where they say', async () => {
    expect(await readlink(join(folder, '.local/bin/murnau'))).toBe(join(repository, 'bin/murnau'));
    expect(await readFile(join(folder, '.bashrc'), 'utf8')).toContain('export PATH="$HOME/.local/bin:$PATH"');
  });
});
