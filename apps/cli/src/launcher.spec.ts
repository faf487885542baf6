import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { aRun } from './testing/fixtures.js';
import { fakeApi, problem, stream } from './testing/fake-api.js';
import type { FakeApi, FakeRoutes } from './testing/fake-api.js';
import { runCommand } from './testing/run-command.js';

const repository = fileURLToPath(new URL('../../../', import.meta.url));
const launcher = join(repository, 'bin/murnau');
/** npm starts two more processes, and the machine may be busy. */
const busyMs = 60_000;

interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(
  file: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = {},
): Promise<Result> {
  return new Promise((resolve) => {
    execFile(file, args, { cwd, env: { ...process.env, ...env } }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : (error.code as number | null), stdout, stderr }),
    );
  });
}

/** A checkout whose command line says what it was given. */
let checkout: string;
let folder: string;
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'murnau-launcher-')));
  checkout = join(folder, "an ada's #checkout");
  for (const file of [
    'bin/murnau',
    'tools/murnau.cjs',
    'tools/npm-flags.cjs',
    'tools/bootstrap/start.mjs',
    'package.json',
  ]) {
    await cp(join(repository, file), join(checkout, file));
  }
  await mkdir(join(checkout, 'apps/cli/dist'), { recursive: true });
  await mkdir(join(checkout, 'node_modules/commander'), { recursive: true });
  await writeFile(
    join(checkout, 'apps/cli/dist/main.js'),
    'console.log(JSON.stringify({ args: process.argv.slice(2), cwd: process.cwd() })); process.exitCode = 103;',
  );
  await mkdir(join(folder, 'elsewhere'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const args = ['generate', 'a "red" car', '', '--seed', '3', "it's $HOME *"];
const elsewhere = (): string => join(folder, 'elsewhere');
const asGiven = (): Result => ({
  code: 103,
  stdout: `${JSON.stringify({ args, cwd: elsewhere() })}\n`,
  stderr: '',
});

describe('bin/murnau', () => {
  it.each<[string, () => Promise<string>]>([
    ['its path', async () => join(checkout, 'bin/murnau')],
    ['a path from here', async () => `../an ada's #checkout/bin/murnau`],
    [
      'a link',
      async () => {
        await symlink(join(checkout, 'bin/murnau'), join(folder, 'link'));
        return join(folder, 'link');
      },
    ],
    [
      'links to links, relative ones and one of another name',
      async () => {
        await mkdir(join(folder, 'links here/deep'), { recursive: true });
        await symlink(`../../an ada's #checkout/bin/murnau`, join(folder, 'links here/deep/first'));
        await symlink('deep/first', join(folder, 'links here/second'));
        await symlink(join(folder, 'links here/second'), join(folder, 'third'));
        return '../third';
      },
    ],
    [
      'a link to its folder',
      async () => {
        await symlink(`an ada's #checkout/bin`, join(folder, 'folder'));
        return join(folder, 'folder/murnau');
      },
    ],
  ])('starts by %s, with its arguments, in this folder, and passes the exit code', async (_, file) => {
    expect(await run(await file(), args, elsewhere())).toEqual(asGiven());
  });

  it('starts by its name from PATH, whatever CDPATH says', async () => {
    const PATH = [join(checkout, 'bin'), process.env['PATH']].join(delimiter);
    expect(await run('murnau', args, elsewhere(), { PATH, CDPATH: folder })).toEqual(asGiven());
    expect(await run('sh', ['murnau', ...args], join(checkout, 'bin'))).toMatchObject({ code: 103 });
  });

  it('says that Node is missing', async () => {
    const { code, stderr } = await run(join(checkout, 'bin/murnau'), [], folder, { PATH: elsewhere() });
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(/Node 20\.19.*no node on PATH/),
    });
  });

  it('says that Node is too old', async () => {
    const old = join(folder, 'old.cjs');
    const versions = "{ value: { ...process.versions, node: '18.20.4' } }";
    await writeFile(old, `Object.defineProperty(process, 'versions', ${versions});`);
    const NODE_OPTIONS = `--require "${old}"`;
    const { code, stdout, stderr } = await run(join(checkout, 'bin/murnau'), [], folder, { NODE_OPTIONS });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/Node 20\.19 or newer .*this is 18\.20\.4/);
  });

  describe('with NODE_USE_ENV_PROXY, which ends Node at a proxy that it cannot read', () => {
    /** Instead of Node: says whether it was told to use a proxy. */
    const runWith = async (env: NodeJS.ProcessEnv): Promise<Result> => {
      const bin = join(folder, 'fake');
      await mkdir(bin, { recursive: true });
      const script = '#!/bin/sh\necho "${NODE_USE_ENV_PROXY-unset}"\n';
      await writeFile(join(bin, 'node'), script, { mode: 0o755 });
      const none = { http_proxy: '', HTTP_PROXY: '', https_proxy: '', HTTPS_PROXY: '' };
      const PATH = [bin, process.env['PATH']].join(delimiter);
      const all = { PATH, NODE_USE_ENV_PROXY: '1', ...none, ...env };
      return run(join(checkout, 'bin/murnau'), [], folder, all);
    };

    it.each([
      ['http_proxy', 'proxy.example:3128'],
      ['HTTP_PROXY', 'none'],
      ['https_proxy', '://proxy.example'],
      ['HTTPS_PROXY', 'http://a b'],
      ['http_proxy', 'http://'],
      ['http_proxy', '$(echo http://x)'],
    ])('goes on without it, and says so: %s=%s', async (name, value) => {
      const { code, stdout, stderr } = await runWith({ [name]: value });
      expect({ code, stdout }).toEqual({ code: 0, stdout: 'unset\n' });
      expect(stderr).toBe(
        `murnau goes on without NODE_USE_ENV_PROXY: ${name} is no URL, such as http://proxy.example:3128.\n`,
      );
    });

    it.each([{}, { http_proxy: 'http://u:p@proxy.example:3128/', HTTPS_PROXY: 'socks5://proxy.example' }])(
      'leaves a proxy alone that can be read: %j',
      async (env) => {
        expect(await runWith(env)).toEqual({ code: 0, stdout: '1\n', stderr: '' });
      },
    );
  });

  it.each(['apps/cli/dist', 'node_modules'])('says that the checkout has no %s yet', async (missing) => {
    const bare = join(folder, `without ${dirname(missing)}`);
    await cp(checkout, bare, { recursive: true });
    await rm(join(bare, missing), { recursive: true });
    const { code, stderr } = await run(join(bare, 'bin/murnau'), ['runs', 'ls'], folder);
    expect(code).toBe(2);
    expect(stderr).toContain(`not set up in ${bare}`);
    expect(stderr).toContain('npm run bootstrap');
  });
});

describe('npm run -s murnau', () => {
  const byNpm = (): string[] => ['run', '-s', '--prefix', checkout, 'murnau', '--'];

  it('works in the folder that it was called from', { timeout: busyMs }, async () => {
    expect(await run('npm', [...byNpm(), ...args], elsewhere())).toEqual(asGiven());
  });

  it.each([
    [
      ['run', 'murnau', 'doctor', '--json'],
      /--json for itself.*\nWrite npm run -s murnau -- doctor --json$/m,
    ],
    [['run', 'murnau', 'runs', 'ls', '--limit=3'], /Write npm run -s murnau -- runs ls --limit 3$/m],
    [['run', 'murnau', 'sweep', 'create', 'x', '--dry-run'], /-- sweep create x --dry-run$/m],
    [['start', '--once'], /Write npm start -- --once$/m],
  ])('is refused where npm keeps a flag: npm %j', { timeout: busyMs }, async (words, message) => {
    const { code, stdout, stderr } = await run('npm', words, checkout);
    expect(stderr).toMatch(message);
    expect({ code, started: stdout.includes('"args"') }).toEqual({ code: 2, started: false });
  });

  it("is not refused for npm's own settings, nor with the flag after --", { timeout: busyMs }, async () => {
    const settings = { npm_config_yes: 'true', npm_config_json: 'true' };
    const { stdout } = await run('npm', [...byNpm(), 'doctor', '--json'], elsewhere(), settings);
    // npm itself adds a document about the exit code.
    expect(stdout).toContain('"args":["doctor","--json"]');
  });

  it(
    'leaves the folder alone where a script of another project calls murnau',
    { timeout: busyMs },
    async () => {
      const project = join(folder, 'project');
      await mkdir(join(project, 'deep'), { recursive: true });
      await symlink(join(checkout, 'bin/murnau'), join(folder, 'theirs'));
      await writeFile(join(project, 'package.json'), JSON.stringify({ scripts: { murnau: '../theirs up' } }));
      const { stdout } = await run('npm', ['run', '-s', 'murnau'], join(project, 'deep'));
      expect(JSON.parse(stdout)).toEqual({ args: ['up'], cwd: project });
    },
  );
});

describe.each<[string, readonly [string, ...string[]]]>([
  ['bin/murnau', [launcher]],
  ['npm run -s murnau', ['npm', 'run', '-s', '--prefix', repository, 'murnau', '--']],
])('through %s', (_, command) => {
  const servers: FakeApi[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  async function against(routes: FakeRoutes, words: readonly string[], interruptAt?: RegExp) {
    const api = await fakeApi(routes);
    servers.push(api);
    const env = { PATH: process.env['PATH'] ?? '', MURNAU_SERVER: api.url, MURNAU_TOKEN: 'secret' };
    return runCommand(words, { command, env, cwd: folder, ...(interruptAt && { interruptAt }) });
  }
  const ended = aRun({ phase: 'failed' });
  const watched: FakeRoutes = {
    'GET /v1/runs/:id': () => aRun(),
    'GET /v1/runs/:id/events': () => stream([['run', aRun({ step: 1 })]], { stays: true }),
  };

  it.each<[number, string[], FakeRoutes]>([
    [0, ['runs', 'ls'], { 'GET /v1/runs': () => ({ items: [], next_cursor: null }) }],
    [2, ['runs', 'lss'], {}],
    [102, ['runs', 'show', 'ffffffff'], { 'GET /v1/runs/:id': () => problem('run.not_found', 'none') }],
    [
      100,
      ['runs', 'watch', '7f3a'],
      {
        'GET /v1/runs/:id': () => ended,
        'GET /v1/runs/:id/events': () => stream([['end', { phase: 'failed' }]]),
      },
    ],
  ])('the exit code %i comes through', { timeout: busyMs }, async (code, words, routes) => {
    expect(await against(routes, words)).toMatchObject({ exitCode: code });
  });

  it('one Ctrl-C on a watched run detaches', { timeout: busyMs }, async () => {
    const { exitCode, stderr } = await against(watched, ['runs', 'watch', '7f3a91c2'], /step 1/);
    expect(stderr).toMatch(/the run goes on/);
    expect(exitCode).toBe(101);
  });
});
