import { isAlive, readText } from '@murnau/supervisor';
import { describeState } from '../describe-stack.js';
import { stackPaths, type StackPaths } from '../paths.js';
import { knownModels } from '../model-registry.js';
import { shippedModels } from '../models.js';
import { readSettings, resolveSettings, type Settings } from '../settings.js';
import { readState, type StackState } from '../state.js';
import { checkDevice } from './check-device.js';
import { checkModels, checkNode, checkPython, checkRegistry, checkTemporalBinary } from './check-install.js';
import { checkNamespace } from './check-namespace.js';
import type { Check } from './check.js';
import { checkHome, checkMachine } from './environment/index.js';
import { checkPorts } from './environment/ports.js';
import type { Requirement } from './environment/requirement.js';

/**
 * Looks at everything the embedded stack needs, and at what runs of it. Changes nothing, and never throws for
 * something that is wrong: that is what the list is for.
 */
export async function checkStack(options: { home?: string | undefined } = {}): Promise<Check[]> {
  const paths = stackPaths(options.home);
  const state = await readState(paths);
  // After `down` the next stack starts from the defaults again.
  const current = state ? await readSettings(paths).catch(() => null) : null;
  const known = await knownModels(paths).catch(() => shippedModels());
  const settings = current ?? resolveSettings({}, null, known);
  const [install, running] = await Promise.all([checkInstall(paths, settings), checkRunning(paths)]);
  return [...install, ...running];
}

async function checkInstall(paths: StackPaths, settings: Settings): Promise<Check[]> {
  const state = await readState(paths);
  const models = settings.models.length > 0 ? settings.models : await shippedModels();
  const checks = await Promise.all([
    checkNode(),
    checkPython(settings.programs.worker.command),
    checkTemporalBinary(settings.programs.temporal.command),
    checkEnvironment(paths),
    checkDevice(settings.programs.worker.command),
    checkModels(models, settings.simulate),
    checkRegistry(paths),
    state === null ? checkPorts(settings) : [],
  ]);
  return checks.flat();
}

async function checkEnvironment(paths: StackPaths): Promise<Check[]> {
  const home = await checkHome(paths);
  const hasHome = home.every(({ refusal }) => refusal === undefined);
  return [...home, ...(hasHome ? await checkMachine(paths) : [])].map(toCheck);
}

const toCheck = ({ part, ok, detail, mend }: Requirement): Check => ({
  part,
  ok,
  detail,
  ...(mend !== undefined && { mend }),
});

async function checkRunning(paths: StackPaths): Promise<Check[]> {
  const state = await readState(paths);
  if (!state) {
    return [{ part: 'stack', ok: false, detail: 'not running', mend: 'murnau up' }];
  }
  const stack = await describeState(paths, state);
  const supervisor: Check = stack.isSupervised
    ? { part: 'supervisor', ok: true, detail: 'running', pid: state.supervisor.pid }
    : { part: 'supervisor', ok: false, detail: 'gone: what dies is not started again', mend: 'murnau up' };
  const parts = stack.parts.map((part): Check => {
    const ok = part.isAlive && part.state === 'ready';
    const problem = part.problem ? `: ${part.problem.message}` : '';
    return {
      part: part.name,
      ok,
      detail: `${part.state}${part.port === undefined ? '' : ` on port ${part.port}`}${
        part.restarts > 0 ? `, started again ${part.restarts} times` : ''
      }${ok ? '' : problem}`,
      ...(part.pid !== undefined && { pid: part.pid }),
      ...(!ok && { mend: stack.isSupervised ? `look at ${part.log}` : 'murnau up' }),
    };
  });
  const isTemporalUp = stack.parts.some((part) => part.name === 'temporal' && part.isAlive);
  const namespace = isTemporalUp ? [await checkNamespace(stack.temporalAddress)] : [];
  return [supervisor, ...(await checkGuard(state)), ...parts, ...namespace, ...(await checkToken(paths))];
}

async function checkGuard({ guard }: StackState): Promise<Check[]> {
  if (guard === undefined) return [];
  if (await isAlive(guard)) {
    return [{ part: 'guard', ok: true, detail: 'replaces a supervisor that dies', pid: guard.pid }];
  }
  return [{ part: 'guard', ok: false, detail: 'gone', mend: 'murnau up' }];
}

async function checkToken(paths: StackPaths): Promise<Check[]> {
  const token = (await readText(paths.token))?.trim();
  if (token) return [];
  return [
    {
      part: 'token',
      ok: false,
      detail: `${paths.token} is missing or empty`,
      mend: 'murnau down, then murnau up',
    },
  ];
}
