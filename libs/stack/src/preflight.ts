import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MurnauError } from '@murnau/domain';
import { checkMachine } from './check/environment/index.js';
import { refuseTakenPorts } from './check/environment/ports.js';
import { insistOn } from './check/environment/requirement.js';
import { inheritedEnv } from './env.js';
import { virtualEnvironment } from './checkout.js';
import { checkModelFolder } from './models.js';
import type { StackPaths } from './paths.js';
import type { Settings } from './settings.js';
import type { StackState } from './state.js';

const runs = (command: string): Promise<boolean> =>
  new Promise((resolve) => {
    execFile(command, ['-c', ''], { timeout: 20_000, env: inheritedEnv() }, (error) =>
      resolve(error === null),
    );
  });

/** Files may have moved since a model was registered. @throws `model.not_a_model` */
export function checkRegistered({ models, simulate, workers }: Settings): void {
  if (simulate || workers === 0) return;
  for (const { name, dir, holding } of models) {
    if (holding !== undefined) checkModelFolder(dir, `models.${name}.path`);
  }
}

/** What would only show as a part dying again and again is said before anything starts. */
export async function preflight(
  paths: StackPaths,
  settings: Settings,
  before: StackState | null,
): Promise<void> {
  const [machine] = await Promise.all([checkMachine(paths), checkPrograms(settings)]);
  insistOn(machine);
  await refuseTakenPorts(settings, before);
}

async function checkPrograms({ programs }: Settings): Promise<void> {
  const python = programs.worker.command;
  const isOwnPython = dirname(dirname(python)) === virtualEnvironment;
  if (isOwnPython && !existsSync(join(virtualEnvironment, 'pyvenv.cfg'))) {
    throw new MurnauError(
      'setup.environment_broken',
      `There is no Python environment in ${virtualEnvironment}.`,
    );
  }
  if (isOwnPython && !(await runs(python))) {
    throw new MurnauError('setup.environment_broken', `The Python of ${virtualEnvironment} does not run.`);
  }
  if (!existsSync(programs.temporal.command)) {
    throw new MurnauError(
      'setup.environment_broken',
      `The Temporal server is missing: ${programs.temporal.command}.`,
    );
  }
  for (const { args } of [programs.orchestrator, programs.dispatcher, programs.api]) {
    const script = args.find((arg) => arg.endsWith('.js'));
    if (script !== undefined && !existsSync(script)) {
      throw new MurnauError('setup.environment_broken', `${script} is not built.`);
    }
  }
}
