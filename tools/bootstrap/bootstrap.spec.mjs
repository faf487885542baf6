// Bootstrap in a checkout of its own, with a python that only pretends: what it says and does when things are amiss.
import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { root } from './root.mjs';

let checkout;
let bin;

beforeEach(async () => {
  // Where the real environment lies: the temporary folder may have less room than a set-up asks for.
  await mkdir(join(root, '.cache'), { recursive: true });
  checkout = await mkdtemp(join(root, '.cache/bootstrap-spec-'));
  bin = join(checkout, 'fake-bin');
  for (const folder of ['fake-bin', 'python-worker', 'protos', 'apps/orchestrator']) {
    await mkdir(join(checkout, folder), { recursive: true });
  }
  await cp(join(root, 'tools/bootstrap'), join(checkout, 'tools/bootstrap'), { recursive: true });
  await cp(join(root, 'tools/generate'), join(checkout, 'tools/generate'), { recursive: true });
  await file('package-lock.json', '{ "packages": { "": {} } }');
  await file('node_modules/.package-lock.json', '{ "packages": {} }');
  await file('node_modules/typescript/bin/tsc', '');
  await file('package.json', '{ "type": "commonjs" }');
  await file('torch.whl', '');
  await file('tsconfig.json', '{ "references": [] }');
  await file('apps/orchestrator/package.json', '{}');
  for (const series of ['3.11', '3.13'])
    await file(`python-worker/locks/python-${series}.lock`, 'numpy==1\n');
  await symlink(process.execPath, join(bin, 'node'));
});
afterEach(() => rm(checkout, { recursive: true, force: true }));

async function file(path, text, mode = 0o644) {
  await mkdir(dirname(join(checkout, path)), { recursive: true });
  await writeFile(join(checkout, path), text);
  await chmod(join(checkout, path), mode);
}

/** Answers as an interpreter would; `pip` and `protoc` leave a trace in calls.txt. */
const fakePython = ({ version = '3.11.4', ...facts } = {}) => `#!${process.execPath}
const fs = require('node:fs');
const path = require('node:path');
const args = process.argv.slice(2);
const here = (name) => path.join(${JSON.stringify(checkout)}, name);
const note = (text) => fs.appendFileSync(here('calls.txt'), text + '\\n');
const facts = ${JSON.stringify({
  version,
  implementation: 'CPython',
  bits: 64,
  is_free_threaded: false,
  is_musl: false,
  is_intel_mac: false,
  can_make_venv: true,
  ...facts,
})};
const [major, minor] = facts.version.split('.');
if (args[0] === '-c') {
  console.log(JSON.stringify(facts));
} else if (args[0] === '-m' && args[1] === 'venv') {
  note('venv ' + facts.version);
  fs.mkdirSync(path.join(args[2], 'bin'), { recursive: true });
  fs.mkdirSync(path.join(args[2], 'lib/python' + major + '.' + minor + '/site-packages'), { recursive: true });
  fs.copyFileSync(__filename, path.join(args[2], 'bin/python'));
  fs.chmodSync(path.join(args[2], 'bin/python'), 0o755);
  fs.writeFileSync(path.join(args[2], 'bin/temporal'), '');
} else if (args[0] === '-m' && args.includes('--dry-run')) {
  console.log(JSON.stringify({ install: [
    { metadata: { name: 'torch', version: '2.13.0' }, download_info: { url: 'file://' + here('torch.whl') } },
    { metadata: { name: 'nvidia-cublas', version: '13.1' }, download_info: { url: 'file://' + here('torch.whl') } },
  ] }));
} else if (args[0] === '-m' && args[1] === 'pip') {
  if (fs.existsSync(here('pip-fails'))) {
    console.error('OSError: [Errno 28] No space left on device');
    process.exit(1);
  }
  if (!fs.existsSync(process.env.TMPDIR)) process.exit(1);
  note('pip ' + args.slice(args.indexOf('--progress-bar=off') + 3).join(' '));
  if (args.includes('torch==2.13.0')) fs.writeFileSync(here('torch-version'), '2.13.0');
  if (args.includes('-r') && fs.existsSync(here('pip-replaces-torch'))) {
    fs.writeFileSync(here('torch-version'), '2.14.0');
  }
} else if (args[0].endsWith('check_venv.py')) {
  const broken = fs.existsSync(here('torch-is-broken'));
  const importing = args.includes('--import');
  const torch = fs.existsSync(here('torch-version')) ? fs.readFileSync(here('torch-version'), 'utf8') : undefined;
  console.log(JSON.stringify({
    python: facts.version.split('.').map(Number),
    missing: broken ? ['torch/__init__.py'] : [],
    versions: { torch, pip: '24.0' },
    broken_import: broken && importing ? "import torch: ModuleNotFoundError: No module named 'torch'" : null,
  }));
  // A rebuilt environment works.
  if (broken && importing) fs.rmSync(here('torch-is-broken'));
} else {
  note('generate');
  fs.mkdirSync(here('python-worker/src/murnau_worker/rpc/gen'), { recursive: true });
}
`;

function bootstrap(env = {}, folder = checkout) {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [join(folder, 'tools/bootstrap/main.mjs')],
      { env: { PATH: bin, HOME: checkout, PYENV_ROOT: join(checkout, 'pyenv'), ...env } },
      (error, _stdout, stderr) => resolve({ code: error?.code ?? 0, said: stderr }),
    );
  });
}

const calls = () => readFile(join(checkout, 'calls.txt'), 'utf8').then((text) => text.trim().split('\n'));

test('sets up once, and the second time finds everything in place', async () => {
  await file('fake-bin/python3.11', fakePython(), 0o755);
  const first = await bootstrap();
  expect(first.said).toContain('✓ Python packages');
  expect(first.said).toContain(
    'In all 0.6 GB to download and 2.5 GB of disk with PyTorch for the CPU, 3 and 9 GB',
  );
  expect(first.code).toBe(0);
  const done = await calls();
  expect(done[0]).toBe('venv 3.11.4');
  expect(done[1]).toBe(`pip torch==2.13.0 -c ${join(checkout, '.cache/bootstrap/constraints.txt')}`);
  expect(done[2]).toBe('pip --no-deps --require-hashes -r python-worker/locks/python-3.11.lock');
  expect(await readFile(join(checkout, '.cache/bootstrap/constraints.txt'), 'utf8')).toBe('numpy==1\n');

  const second = await bootstrap();
  expect(second.code).toBe(0);
  expect(second.said).toContain('murnau is set up');
  expect(await calls()).toEqual(done);
});

test('installs again when the pins change, into the same environment', async () => {
  await file('fake-bin/python3.11', fakePython(), 0o755);
  await bootstrap();
  await file('python-worker/locks/python-3.11.lock', 'numpy==2\n');
  expect((await bootstrap()).code).toBe(0);
  expect((await calls()).filter((call) => call.startsWith('venv'))).toHaveLength(1);
});

/** Without the places outside of the test's PATH, whatever this machine has there. */
async function onlyOnPath() {
  const step = join(checkout, 'tools/bootstrap/python/interpreter.mjs');
  const text = await readFile(step, 'utf8');
  const without = text.replace(/const bins = \[[^\]]*\]/, 'const bins = []');
  expect(without).not.toBe(text);
  await writeFile(step, without);
}

test('takes the newest Python on PATH that works, with the lock of its version', async () => {
  await onlyOnPath();
  await file('fake-bin/python3', fakePython({ version: '3.11.4' }), 0o755);
  await file('fake-bin/python3.13', fakePython({ version: '3.13.1' }), 0o755);
  await file('fake-bin/python3.14', fakePython({ version: '3.14.0', is_free_threaded: true }), 0o755);
  await file('fake-bin/python3.12', fakePython({ version: '3.12.9', can_make_venv: false }), 0o755);
  expect((await bootstrap()).code).toBe(0);
  const done = await calls();
  expect(done[0]).toBe('venv 3.13.1');
  expect(done).toContain('pip --no-deps --require-hashes -r python-worker/locks/python-3.13.lock');
});

test('keeps an environment of another supported Python until MURNAU_PYTHON asks for one', async () => {
  await file('fake-bin/python3.11', fakePython(), 0o755);
  await bootstrap();
  await file('fake-bin/python3.13', fakePython({ version: '3.13.1' }), 0o755);
  expect((await bootstrap()).said).toContain('murnau is set up');
  const asked = await bootstrap({ MURNAU_PYTHON: join(bin, 'python3.13') });
  expect(asked.said).toContain(
    'python-worker/.venv is of Python 3.11, and MURNAU_PYTHON is 3.13: rebuilding it',
  );
  expect((await calls()).filter((call) => call.startsWith('venv'))).toEqual(['venv 3.11.4', 'venv 3.13.1']);
});

test('looks where pyenv keeps its versions when nothing on PATH serves', async () => {
  await onlyOnPath();
  await file('fake-bin/python3', fakePython({ version: '3.9.1' }), 0o755);
  await file('pyenv/versions/3.13.0/bin/python3', fakePython({ version: '3.13.0' }), 0o755);
  expect((await bootstrap()).code).toBe(0);
  expect((await calls())[0]).toBe('venv 3.13.0');
});

test('says which build of PyTorch comes, how large it is and how to choose another, before it starts', async () => {
  await file('fake-bin/python3.11', fakePython(), 0o755);
  await file('torch.whl', 'x'.repeat(50_000_000));
  const { said } = await bootstrap();
  expect(said).toContain("PyTorch's CUDA build: 0.1 GB to download, about 0.3 GB of free disk.");
  expect(said.indexOf("PyTorch's CUDA build")).toBeLessThan(said.indexOf('pip install torch==2.13.0'));
  expect(said).toContain('MURNAU_TORCH_INDEX=ADDRESS');
});

test('MURNAU_TORCH_INDEX is for PyTorch alone', async () => {
  await file('fake-bin/python3.11', fakePython(), 0o755);
  await bootstrap({ MURNAU_TORCH_INDEX: 'https://example.org/cpu' });
  const withIndex = (await calls()).filter((call) => call.includes('https://example.org/cpu'));
  expect(withIndex).toHaveLength(1);
  expect(withIndex[0]).toContain('torch==2.13.0 --extra-index-url');
});

test.each([
  ['too old', { version: '3.9.1' }, 'Python 3.9.1; murnau needs 3.11 to 3.14'],
  ['too new', { version: '3.15.0' }, 'Python 3.15.0; murnau needs 3.11 to 3.14'],
  [
    'without venv',
    { can_make_venv: false },
    'Python 3.11.4 without venv and ensurepip (Debian and Ubuntu: apt-get install python3.11-venv)',
  ],
  ['free-threaded', { version: '3.14.0', is_free_threaded: true }, 'a free-threaded build'],
  ['another implementation', { implementation: 'PyPy' }, 'PyPy, not CPython'],
  ['32 bits', { bits: 32 }, 'a 32-bit build'],
  ['musl', { is_musl: true }, 'built for musl'],
  ['an Intel Mac', { is_intel_mac: true }, 'an Intel build for macOS'],
])('a Python that is %s is refused with the reason, found or named', async (_name, facts, reason) => {
  await onlyOnPath();
  await file('fake-bin/python3', fakePython(facts), 0o755);
  const found = await bootstrap();
  expect(found.code).toBe(1);
  expect(found.said).toContain('No Python from 3.11 to 3.14 that works was found: python3 is');
  expect(found.said).toContain(reason);
  expect(found.said).toContain('MURNAU_PYTHON=/path/to/python3');
  const named = await bootstrap({ MURNAU_PYTHON: join(bin, 'python3') });
  expect(named.code).toBe(1);
  expect(named.said).toContain(`MURNAU_PYTHON names ${join(bin, 'python3')}, which is ${reason}`);
});

test.each(['a?b', 'a!b', 'a:b', 'a\nb'])('a checkout in a path with %j is refused at once', async (name) => {
  const odd = join(checkout, name);
  await cp(join(checkout, 'tools'), join(odd, 'tools'), { recursive: true });
  const { code, said } = await bootstrap({}, odd);
  expect(code).toBe(1);
  expect(said).toContain('The path of this checkout holds a');
  expect(said).toContain(JSON.stringify(odd));
  expect(said).toContain('Move or clone it');
});

test('caches that cannot be written are kept in the checkout', async () => {
  await file('fake-bin/python3.11', fakePython(), 0o755);
  await file('not-a-folder', '');
  await bootstrap({ PIP_CACHE_DIR: join(checkout, 'not-a-folder/pip') });
  expect((await calls()).join('\n')).toContain(`--cache-dir ${join(checkout, '.cache/pip')}`);
});

test('MURNAU_PYTHON that does not exist is refused by name', async () => {
  const { code, said } = await bootstrap({ MURNAU_PYTHON: '/no/such/python' });
  expect(code).toBe(1);
  expect(said).toContain('MURNAU_PYTHON names /no/such/python, which does not run');
});

test('an environment whose python is gone is rebuilt, and the reason said', async () => {
  await file('fake-bin/python3.11', fakePython(), 0o755);
  await bootstrap();
  await rm(join(checkout, 'python-worker/.venv/bin/python'));
  const { code, said } = await bootstrap();
  expect(said).toContain('python-worker/.venv is broken (its python does not run');
  expect(code).toBe(0);
  expect((await calls()).filter((call) => call.startsWith('venv'))).toHaveLength(2);
});

test('an environment whose torch cannot be imported is rebuilt, and the reason said', async () => {
  await file('fake-bin/python3.11', fakePython(), 0o755);
  await bootstrap();
  await file('torch-is-broken', '');
  const { code, said } = await bootstrap();
  expect(said).toContain(
    "python-worker/.venv is broken (import torch: ModuleNotFoundError: No module named 'torch')",
  );
  expect(code).toBe(0);
});

test('a package that replaces torch is refused by name', async () => {
  await file('fake-bin/python3.11', fakePython(), 0o755);
  await file('pip-replaces-torch', '');
  const { code, said } = await bootstrap();
  expect(code).toBe(1);
  expect(said).toContain('torch was 2.13.0 and is now 2.14.0: a package replaced it');
});

test('a full disk: the last lines of pip, what to do, and a second try that goes on from there', async () => {
  await file('fake-bin/python3.11', fakePython(), 0o755);
  await file('pip-fails', '');
  const { code, said } = await bootstrap();
  expect(code).toBe(1);
  expect(said).toContain('| OSError: [Errno 28] No space left on device');
  expect(said).toContain('The disk is full');

  await rm(join(checkout, 'pip-fails'));
  expect((await bootstrap()).code).toBe(0);
  expect((await calls()).filter((call) => call.startsWith('venv'))).toHaveLength(1);
});

test('two at once wait for each other', async () => {
  await file('fake-bin/python3.11', fakePython(), 0o755);
  const both = await Promise.all([bootstrap(), bootstrap()]);
  expect(both.map(({ code }) => code)).toEqual([0, 0]);
  expect((await calls()).filter((call) => call.startsWith('venv'))).toHaveLength(1);
});
