import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheArguments } from '../caches.mjs';
import { Problem } from '../problem.mjs';
import { findPython } from '../python/interpreter.mjs';
import { lockFileOf, seriesOf, torchPin } from '../python/series.mjs';
import { describePlan, planTorch, torchArguments } from '../python/torch.mjs';
import { damageOf, examineVenv, faultAfterInstall, venv, venvPython } from '../python/venv.mjs';
import { root } from '../root.mjs';
import { run } from '../run.mjs';
import { clearStamp, hashOf, readStamp, writeStamp } from '../stamp.mjs';

/** What the packages of a lock file take, besides PyTorch: their download and their unpacked files. */
const otherPackagesBytes = 1.2e9;

async function checkDisk(neededBytes) {
  const { bavail, bsize } = await statfs(root);
  const freeBytes = bavail * bsize;
  if (freeBytes < neededBytes) {
    throw new Problem(
      `Only ${(freeBytes / 1e9).toFixed(1)} GB are free on the disk of ${root}; the Python packages need about ${(neededBytes / 1e9).toFixed(1)} GB.`,
      'Free some space, or choose a smaller build of PyTorch (MURNAU_TORCH_INDEX), and run the command again.',
    );
  }
}

const quietly = ['--no-input', '--disable-pip-version-check'];

const pip = async (log, what, args) =>
  run(
    log,
    venvPython,
    [
      ...['-m', 'pip', 'install', '--quiet', '--progress-bar=off', ...quietly],
      ...(await cacheArguments('pip')),
      ...args,
    ],
    { what, env: await temporaryFolder() },
  );

/** Beside the environment: the system's own may be small, full, or forbid running files. */
async function temporaryFolder() {
  const folder = join(root, '.cache/bootstrap/tmp');
  await mkdir(folder, { recursive: true });
  return { TMPDIR: folder };
}

/** `name==version` of each package of a lock file, without hashes: so that PyTorch's own needs are the locked ones. */
async function writeConstraints(lockFile) {
  const path = join(root, '.cache/bootstrap/constraints.txt');
  const text = await readFile(join(root, lockFile), 'utf8');
  await mkdir(join(root, '.cache/bootstrap'), { recursive: true });
  const pins = [...text.matchAll(/^([\w.-]+==[^\s\\;]+)(\s*;[^\\\n]*)?/gm)].map(([, pin, marker]) =>
    `${pin}${marker ?? ''}`.trimEnd(),
  );
  await writeFile(path, `${pins.join('\n')}\n`);
  return path;
}

async function makeVenv(tell) {
  const { python, version } = await findPython();
  await rm(venv, { recursive: true, force: true });
  tell(`making python-worker/.venv with ${python} (Python ${version})`);
  await run('venv', python, ['-m', 'venv', venv], { what: 'Making the virtual environment' });
  return seriesOf(version);
}

/** First and alone: pip picks the machine's build, and nothing that comes later may replace it. */
async function installTorch(tell, lockFile) {
  const constraints = ['-c', await writeConstraints(lockFile)];
  if (!(await examineVenv({ importing: false })).report?.versions?.torch) {
    const plan = await planTorch(
      venvPython,
      [...quietly, ...(await cacheArguments('pip')), ...constraints],
      await temporaryFolder(),
    );
    if (plan) {
      tell(describePlan(plan));
      await checkDisk(plan.diskBytes + otherPackagesBytes);
    }
  }
  tell(`pip install ${torchPin} (the largest part)`);
  await pip('pip-torch', `pip install ${torchPin}`, [...torchArguments, ...constraints]);
  return (await examineVenv({ importing: false })).report?.versions?.torch;
}

/** @returns what is wrong with the environment afterwards, or null */
async function install(tell) {
  const series = existsSync(venvPython)
    ? (await examineVenv({ importing: false })).series
    : await makeVenv(tell);
  const lockFile = lockFileOf(series);
  const torch = await installTorch(tell, lockFile);
  tell(`pip install -r ${lockFile} (0.15 GB in all)`);
  await pip('pip', 'pip install of the locked packages', ['--no-deps', '--require-hashes', '-r', lockFile]);
  await writeFile(
    join(venv, `lib/python${series}/site-packages/murnau_worker.pth`),
    `${join(root, 'python-worker/src')}\n`,
  );
  tell('importing torch, transformers and diffusers once');
  const { fault, report } = await faultAfterInstall();
  if (fault) return fault;
  // Both as pip names it: torch itself adds its build ("2.13.0+cu130"), which a registry's wheel does not.
  if (report.versions.torch !== torch) {
    throw new Problem(
      `torch was ${torch} and is now ${report.versions.torch}: a package replaced it.`,
      `Please report this; ${lockFile} must not name torch.`,
    );
  }
  return null;
}

const rebuilding = async (tell, why) => {
  tell(`python-worker/.venv ${why}: rebuilding it`);
  await rm(venv, { recursive: true, force: true });
};

/** Why an environment must be made anew although it may work, or null: another Python was asked for by name. */
async function otherPythonAsked() {
  if (!process.env.MURNAU_PYTHON || !existsSync(venv)) return null;
  const { series } = await examineVenv({ importing: false });
  const asked = seriesOf((await findPython()).version);
  return series === asked ? null : `is of Python ${series}, and MURNAU_PYTHON is ${asked}`;
}

const stampOf = (series) => hashOf([lockFileOf(series)], [torchPin, series, root]);

export async function preparePython(tell) {
  const otherPython = await otherPythonAsked();
  if (otherPython) await rebuilding(tell, otherPython);
  const seen = await examineVenv({ importing: false });
  const stamp = await readStamp('python');
  const damage = stamp === null ? null : await damageOf(seen);
  if (stamp !== null && damage === null && stamp === (await stampOf(seen.series))) return false;
  await clearStamp('python');

  if (damage) {
    await rebuilding(tell, `is broken (${damage})`);
  } else if (stamp === null && existsSync(venv)) {
    if (seen.fault) await rebuilding(tell, `does not work (${seen.fault})`);
  }
  let fault = await install(tell);
  if (fault) {
    await rebuilding(tell, `does not work (${fault})`);
    fault = await install(tell);
  }
  if (fault)
    throw new Problem(
      `The Python environment does not work: ${fault}`,
      'Delete python-worker/.venv and run the command again; if it stays so, report it with .cache/bootstrap/pip.log.',
    );
  await writeStamp('python', await stampOf((await examineVenv({ importing: false })).series));
  return true;
}
