import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MurnauError } from '@murnau/domain';
import { portTaken } from './parts/port-book.js';
import { isPortFree } from './processes/ports.js';
import { virtualEnvironment } from './checkout.js';
import { checkModelFolder } from './models.js';
import type { Settings } from './settings.js';
import { isAlive } from './processes/identity.js';
import type { StackState } from './state.js';

const runs = (command: string): Promise<boolean> =>
  new Promise((resolve) => {
    execFile(command, ['-c', ''], { timeout: 20_000 }, (error) => resolve(error === null));
  });

/** Files may have moved since a model was registered. @throws `model.not_a_model` */
export function checkRegistered({ models, simulate, workers }: Settings): void {
  if (simulate || workers === 0) return;
  for (const { name, dir, holding } of models) {
    if (holding !== undefined) checkModelFolder(dir, `models.${name}.path`);
  }
}

/** What would only show as a part dying again and again is said before anything starts. */
export async function preflight(settings: Settings, before: StackState | null): Promise<void> {
  await checkPrograms(settings);
  await checkPorts(settings, before);
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

/** A port that was asked for is free, or held by the part of this stack that had it before. */
async function checkPorts({ ports, workers }: Settings, before: StackState | null): Promise<void> {
  const own = new Set<number>();
  for (const { pid, started, port } of before?.parts ?? []) {
    if (pid === undefined || started === undefined || port === undefined) continue;
    if (await isAlive({ pid, started })) own.add(port);
  }
  if (before && own.size > 0) own.add(Number(new URL(before.temporal_ui_url).port));
  const asked: [string, number | null][] = [
    ['api', ports.api],
    ['temporal', ports.temporal],
    ['temporal_ui', ports.temporal_ui],
    ['advisor', ports.advisor],
    ...Array.from({ length: workers }, (_, index): [string, number | null] => [
      `worker-${index}`,
      ports.worker === null ? null : ports.worker + index,
    ]),
  ];
  for (const [listener, port] of asked) {
    if (port === null || own.has(port)) continue;
    if (!(await isPortFree(port))) throw await portTaken(listener, port);
  }
}
