// Bootstrap in a checkout of its own, with a python that only pretends: what it says and does when things are amiss.
import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { root } from './root.mjs';

let checkout;
let bin;

beforeEach(async () => {
  checkout = await mkdtemp(join(tmpdir(), 'murnau-bootstrap-'));
  bin = join(checkout, 'fake-bin');
  for (const folder of ['fake-bin', 'python-worker', 'protos', 'apps/orchestrator']) {
    await mkdir(join(checkout, folder), { recursive: true });
  }
  await cp(join(root, 'tools/bootstrap'), join(checkout, 'tools/bootstrap'), { recursive: true });
  await cp(join(root, 'tools/generate'), join(checkout, 'tools/generate'), { recursive: true });
  await file('package-lock.json', '{ "packages": { "": {} } }');
  await file('node_modules/.package-lock.json', '{ "packages": {} }');
  await file('node_modules/typescript/bin/tsc', '');
  await file('tsconfig.json', '{ "references": [] }');
  await file('apps/orchestrator/package.json', '{}');
  await file('python-worker/requirements.lock', 'numpy==1\n');
  await symlink(process.execPath, join(bin, 'node'));
});
afterEach(() => rm(checkout, { recursive: true, force: true }));

async function file(path, text, mode = 0o644) {
  await mkdir(dirname(join(checkout, path)), { recursive: true });
  await writeFile(join(checkout, path), text);
  await chmod(join(checkout, path), mode);
}

/** Answers as an interpreter would; `pip` and `protoc` leave a trace in calls.txt. */
const fakePython = ({ version = [3, 11, 4], canMakeVenv = true } = {}) => `#!${process.execPath}
const fs = require('node:fs');
const path = require('node:path');
const args = process.argv.slice(2);
const note = (text) => fs.appendFileSync(${JSON.stringify(join(checkout, 'calls.txt'))}, text + '\\n');
const version = ${JSON.stringify(version)};
if (args[0] === '-c') {
  console.log(JSON.stringify({ version: version.join('.'), can_make_venv: ${canMakeVenv} }));
} else if (args[0] === '-m' && args[1] === 'venv') {
  note('venv');
  fs.mkdirSync(path.join(args[2], 'bin'), { recursive: true });
  fs.mkdirSync(path.join(args[2], 'lib/python3.11/site-packages'), { recursive: true });
  fs.copyFileSync(__filename, path.join(args[2], 'bin/python'));
  fs.chmodSync(path.join(args[2], 'bin/python'), 0o755);
  fs.writeFileSync(path.join(args[2], 'bin/temporal'), '');
} else if (args[0] === '-m' && args[1] === 'pip') {
  if (fs.existsSync(${JSON.stringify(join(checkout, 'pip-fails'))})) {
    console.error('OSError: [Errno 28] No space left on device');
    process.exit(1);
  }
  note('pip ' + args.at(-1));
  if (args.includes('-r') && fs.existsSync(${JSON.stringify(join(checkout, 'pip-replaces-torch'))})) {
    fs.writeFileSync(${JSON.stringify(join(checkout, 'torch-version'))}, '2.14.0');
  }
} else if (args[0].endsWith('check_venv.py')) {
  const broken = fs.existsSync(${JSON.stringify(join(checkout, 'torch-is-broken'))});
  const importing = args.includes('--import');
  const replaced = ${JSON.stringify(join(checkout, 'torch-version'))};
  const torch = fs.existsSync(replaced) ? fs.readFileSync(replaced, 'utf8') : '2.13.0';
  console.log(JSON.stringify({
    python: version, missing: broken ? ['torch/__init__.py'] : [], versions: { torch, pip: '24.0' },
    broken_import: broken && importing ? "import torch: ModuleNotFoundError: No module named 'torch'" : null,
  }));
  // A rebuilt environment works.
  if (broken && importing) fs.rmSync(${JSON.stringify(join(checkout, 'torch-is-broken'))});
} else {
  note('generate');
  fs.mkdirSync(path.join(${JSON.stringify(checkout)}, 'python-worker/src/murnau_worker/rpc/gen'), { recursive: true });
}
`;

function bootstrap(env = {}) {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [join(checkout, 'tools/bootstrap/main.mjs')],
      { env: { PATH: bin, HOME: checkout, ...env } },
      (error, _stdout, stderr) => resolve({ code: error?.code ?? 0, said: stderr }),
    );
  });
}

const calls = () => readFile(join(checkout, 'calls.txt'), 'utf8').then((text) => text.trim().split('\n'));

test('sets up once, and the second time finds everything in place', async () => {
  await file('fake-bin/python3.11', fakePython(), 0o755);
  const first = await bootstrap();
  expect(first.said).toContain('✓ Python packages');
  expect(first.code).toBe(0);
  const done = await calls();
  expect(done[0]).toBe('venv');
  expect(done).toContain('pip torch==2.13.0');

  const second = await bootstrap();
  expect(second.code).toBe(0);
  expect(second.said).toContain('murnau is set up');
  expect(await calls()).toEqual(done);
});

test('installs again when the pins change, into the same environment', async () => {
  await file('fake-bin/python3.11', fakePython(), 0o755);
  await bootstrap();
  await file('python-worker/requirements.lock', 'numpy==2\n');
  expect((await bootstrap()).code).toBe(0);
  expect((await calls()).filter((call) => call === 'venv')).toHaveLength(1);
});

test('without Python 3.11: says so, what was seen and how to get it', async () => {
  await file('fake-bin/python3', fakePython({ version: [3, 13, 0] }), 0o755);
  const step = join(checkout, 'tools/bootstrap/steps/python.mjs');
  await writeFile(step, (await readFile(step, 'utf8')).replace(/usualPlaces = \[.*\]/, 'usualPlaces = []'));
  const { code, said } = await bootstrap({ PYENV_ROOT: join(checkout, 'none') });
  expect(code).toBe(1);
  expect(said).toContain('Python 3.11 was not found (python3 is 3.13.0)');
  expect(said).toContain('apt-get install python3.11');
});

test('a Python 3.11 without venv: names the package that is missing', async () => {
  await file('fake-bin/python3.11', fakePython({ canMakeVenv: false }), 0o755);
  const { code, said } = await bootstrap({ MURNAU_PYTHON: join(bin, 'python3.11') });
  expect(code).toBe(1);
  expect(said).toContain('apt-get install python3.11-venv');
});

test('MURNAU_PYTHON of another version is refused by name', async () => {
  await file('fake-bin/python3.9', fakePython({ version: [3, 9, 1] }), 0o755);
  const { code, said } = await bootstrap({ MURNAU_PYTHON: join(bin, 'python3.9') });
  expect(code).toBe(1);
  expect(said).toContain('python3.9, which is Python 3.9.1; murnau needs 3.11');
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
  expect((await calls()).filter((call) => call === 'venv')).toHaveLength(2);
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

test('a full disk: the last lines of pip and what to do', async () => {
  await file('fake-bin/python3.11', fakePython(), 0o755);
  await file('pip-fails', '');
  const { code, said } = await bootstrap();
  expect(code).toBe(1);
  expect(said).toContain('| OSError: [Errno 28] No space left on device');
  expect(said).toContain('The disk is full');
});

test('two at once wait for each other', async () => {
  await file('fake-bin/python3.11', fakePython(), 0o755);
  const both = await Promise.all([bootstrap(), bootstrap()]);
  expect(both.map(({ code }) => code)).toEqual([0, 0]);
  expect((await calls()).filter((call) => call === 'venv')).toHaveLength(1);
});
