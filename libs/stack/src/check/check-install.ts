import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { describePortHolder, isPortFree } from '../processes/ports.js';
import { registeredModels } from '../model-registry.js';
import { isModelFolder, layoutOf, type ServedModel } from '../models.js';
import type { StackPaths } from '../paths.js';
import { defaultPorts, type Settings } from '../settings.js';
import { askPython } from './ask-python.js';
import type { Check } from './check.js';

const oldestNode = [20, 19] as const;
/** Below this the database stops taking writes sooner or later. */
const diskWarningBytes = 2e9;

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

/** The data folder need not exist yet: its disk is that of the nearest folder that does. */
export async function checkDisk(home: string): Promise<Check> {
  let folder = home;
  while (!existsSync(folder)) folder = dirname(folder);
  const { bavail, bsize } = await statfs(folder);
  const freeBytes = bavail * bsize;
  const ok = freeBytes >= diskWarningBytes;
  return {
    part: 'disk',
    ok,
    detail: `${(freeBytes / 1e9).toFixed(1)} GB free for ${home}`,
    ...(!ok && { mend: `free some space, or set MURNAU_HOME to a larger disk` }),
  };
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

/** Only while nothing of ours runs. A taken default is no fault: the next free port is used. */
export async function checkPorts({ ports }: Settings): Promise<Check[]> {
  const checks = (['api', 'temporal', 'temporal_ui', 'advisor'] as const).map(
    async (listener): Promise<Check[]> => {
      const port = ports[listener] ?? defaultPorts[listener];
      if (await isPortFree(port)) return [];
      const holder = (await describePortHolder(port)) ?? 'another process';
      const isAsked = ports[listener] !== null;
      return [
        {
          part: `port ${port}`,
          ok: !isAsked,
          detail: `taken by ${holder}${isAsked ? '' : `: ${listener} takes the next free one`}`,
          ...(isAsked && { mend: `stop it, or choose another port for ${listener}` }),
        },
      ];
    },
  );
  const taken = (await Promise.all(checks)).flat();
  return taken.length > 0
    ? taken
    : [{ part: 'ports', ok: true, detail: `${Object.values(defaultPorts).join(', ')} free` }];
}
