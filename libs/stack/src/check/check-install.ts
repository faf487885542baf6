import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { registeredModels } from '../model-registry.js';
import { isModelFolder, layoutOf, type ServedModel } from '../models.js';
import type { StackPaths } from '../paths.js';
import { askPython } from './ask-python.js';
import type { Check } from './check.js';

const oldestNode = [20, 19] as const;

export function checkNode(): Check {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const ok = major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1]);
  return {
    part: 'node',
    ok,
    detail: process.versions.node,
    ...(!ok && { mend: `install Node ${oldestNode.join('.')} or newer` }),
  };
}

export async function checkPython(python: string): Promise<Check> {
  if (!basename(python).startsWith('python'))
    return { part: 'python', ok: true, detail: `not looked at: ${python}` };
  try {
    return {
      part: 'python',
      ok: true,
      detail: `${await askPython(python, 'import sys; print(sys.version.split()[0])')} (${python})`,
    };
  } catch (error) {
    return {
      part: 'python',
      ok: false,
      detail: `${python}: ${(error as Error).message}`,
      mend: 'npm run bootstrap',
    };
  }
}

export function checkTemporalBinary(command: string): Promise<Check> {
  return new Promise((resolve) => {
    execFile(command, ['--version'], (error, stdout) => {
      const detail = error ? `${command}: ${error.message}` : stdout.trim();
      resolve({ part: 'temporal server', ok: !error, detail, ...(error && { mend: 'npm run bootstrap' }) });
    });
  });
}

export function checkModels(models: readonly ServedModel[], isSimulated: boolean): Check[] {
  if (models.length === 0) {
    return [
      {
        part: 'models',
        ok: false,
        detail: 'no model to serve',
        mend: 'restore models/ of the checkout: git checkout models',
      },
    ];
  }
  return models.map(({ name, dir, holding }) => {
    const isThere = holding === undefined ? isModelFolder(dir) : layoutOf(dir) !== undefined;
    const ok = isSimulated || isThere;
    const held =
      holding === undefined
        ? ''
        : `, registered: ${holding.dtype}, ${holding.device}, offload ${holding.offload}, checkpointing ${holding.checkpointing}`;
    return {
      part: `model ${name}`,
      ok,
      detail: ok ? `${dir}${held}` : `${dir} ${existsSync(dir) ? 'holds no model' : 'is not there'}`,
      ...(!ok && {
        mend:
          holding === undefined
            ? 'check the path, or git checkout models'
            : `bring the folder back, or murnau models rm ${name}`,
      }),
    };
  });
}

/** Nothing to say of a file that reads well, or is not there. */
export async function checkRegistry(paths: StackPaths): Promise<Check[]> {
  try {
    await registeredModels(paths);
    return [];
  } catch (error) {
    return [
      { part: 'models.yaml', ok: false, detail: (error as Error).message, mend: `correct ${paths.models}` },
    ];
  }
}
