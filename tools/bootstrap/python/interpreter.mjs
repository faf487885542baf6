// Which Python the environment is made with.
import { readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Problem } from '../problem.mjs';
import { ask } from './ask.mjs';
import { seriesNewestFirst, seriesOf } from './series.mjs';

const oldest = seriesNewestFirst.at(-1);
const newest = seriesNewestFirst[0];

const howToGetPython =
  `Install one of Python ${oldest} to ${newest} (Debian and Ubuntu: apt-get install python3 python3-venv; macOS: brew install python; ` +
  'anywhere: uv python install, or pyenv install), or name one: MURNAU_PYTHON=/path/to/python3';

const questions = `
import importlib.util as u, json, platform, struct, sys, sysconfig
print(json.dumps({
    "version": "%d.%d.%d" % sys.version_info[:3],
    "implementation": platform.python_implementation(),
    "bits": struct.calcsize("P") * 8,
    "is_free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "is_musl": "musl" in (sysconfig.get_config_var("HOST_GNU_TYPE") or ""),
    "is_intel_mac": sys.platform == "darwin" and platform.machine() == "x86_64",
    "can_make_venv": all(u.find_spec(m) for m in ("venv", "ensurepip")),
}))
`;

/** What this interpreter is, or null when it does not run. */
async function examine(python) {
  const answer = await ask(python, ['-c', questions], { timeoutMs: 20_000 });
  if (answer instanceof Error) return null;
  try {
    return JSON.parse(answer);
  } catch {
    return null;
  }
}

/** Why murnau cannot run on an interpreter, or null. */
function unfitness(found) {
  if (found.implementation !== 'CPython') return `${found.implementation}, not CPython`;
  if (!seriesNewestFirst.includes(seriesOf(found.version)))
    return `Python ${found.version}; murnau needs ${oldest} to ${newest}`;
  if (found.is_free_threaded) return 'a free-threaded build, for which packages are missing';
  if (found.bits !== 64) return `a ${found.bits}-bit build; PyTorch needs 64 bits`;
  if (found.is_musl) return 'built for musl (Alpine), for which PyTorch has no build';
  if (found.is_intel_mac) return 'an Intel build for macOS, for which PyTorch has no build any more';
  if (!found.can_make_venv) {
    return `Python ${found.version} without venv and ensurepip (Debian and Ubuntu: apt-get install python${seriesOf(found.version)}-venv)`;
  }
  return null;
}

const byVersion = (a, b) => {
  const [left, right] = [a, b].map(({ version }) => version.split('.').map(Number));
  return left[0] - right[0] || left[1] - right[1] || left[2] - right[2];
};

/** Of `candidates` the newest that works, as `{ python, version }`; what was refused is added to `refused`. */
async function newestOf(candidates, refused) {
  const fit = [];
  for (const [python, found] of await Promise.all(
    candidates.map(async (path) => [path, await examine(path)]),
  )) {
    if (!found) continue;
    const reason = unfitness(found);
    if (reason) refused.push(`${python} is ${reason}`);
    else fit.push({ python, version: found.version });
  }
  return fit.sort(byVersion).at(-1) ?? null;
}

const onPath = [...seriesNewestFirst.map((series) => `python${series}`), 'python3', 'python'];

/** Where interpreters lie that are installed but not on PATH: package managers, pyenv, uv. */
async function elsewhere() {
  const entries = (folder) => readdir(folder).catch(() => []);
  const pyenv = join(process.env.PYENV_ROOT ?? join(homedir(), '.pyenv'), 'versions');
  const uv = join(process.env.XDG_DATA_HOME ?? join(homedir(), '.local/share'), 'uv/python');
  const bins = ['/usr/bin', '/usr/local/bin', '/opt/homebrew/bin', join(homedir(), '.local/bin')];
  return [
    ...bins.flatMap((bin) => seriesNewestFirst.map((series) => join(bin, `python${series}`))),
    ...(await entries(pyenv)).map((name) => join(pyenv, name, 'bin/python3')),
    ...(await entries(uv))
      .filter((name) => name.startsWith('cpython-'))
      .map((name) => join(uv, name, 'bin/python3')),
  ];
}

async function askedFor(python) {
  const found = await examine(python);
  if (!found) throw new Problem(`MURNAU_PYTHON names ${python}, which does not run.`, howToGetPython);
  const reason = unfitness(found);
  if (reason) throw new Problem(`MURNAU_PYTHON names ${python}, which is ${reason}.`, howToGetPython);
  return { python, version: found.version };
}

/**
 * The Python to use: MURNAU_PYTHON, else the newest on PATH that works, else the newest that is installed elsewhere.
 * @returns {Promise<{ python: string, version: string }>}
 */
export async function findPython() {
  if (process.env.MURNAU_PYTHON) return askedFor(process.env.MURNAU_PYTHON);
  const refused = [];
  const found = (await newestOf(onPath, refused)) ?? (await newestOf(await elsewhere(), refused));
  if (found) return found;
  const seen =
    refused.length > 0 ? `: ${[...new Set(refused)].join('; ')}` : ' (there is no python3 on PATH)';
  throw new Problem(`No Python from ${oldest} to ${newest} that works was found${seen}.`, howToGetPython);
}
