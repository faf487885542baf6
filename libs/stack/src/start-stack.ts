import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { MurnauError, isErrorCode } from '@murnau/domain';
import { endOfLog, isAlive, type PartState, signal, withLock } from '@murnau/supervisor';
import { describeState, livingSupervisor, type StackDescription } from './describe-stack.js';
import { checkHome } from './check/environment/index.js';
import { refuseOtherPorts, refuseUnusablePorts } from './check/environment/ports.js';
import { insistOn } from './check/environment/requirement.js';
import { makeDataFolder, unusable } from './data-folder.js';
import { checkEdition, writeEdition } from './edition.js';
import { logOf, stackPaths, type StackPaths } from './paths.js';
import { knownModels } from './model-registry.js';
import { checkRegistered, preflight } from './preflight.js';
import {
  askedPorts,
  isSameSettings,
  readSettings,
  resolveSettings,
  writeSettings,
  type StackOptions,
} from './settings.js';
import { spawnSupervisor } from './spawn-supervisor.js';
import { readState, type StackState } from './state.js';

const pollMs = 50;
const defaultStartTimeoutMs = 120_000;
const supervisorAttempts = 3;
/** As the keeper's: a part that died so often in a row is not going to come up by itself. */
const failuresToGiveUp = 3;

interface StackProgress {
  part: string;
  state: PartState;
  readyAfterMs: number | undefined;
}

/**
 * Starts the embedded stack under a detached supervisor and waits until every part answers. With a stack that runs
 * already it waits until everything is well and applies the options that differ; a supervisor that died is replaced
 * and takes the living parts over. Safe to call from several processes at once.
 */
export async function startStack(
  options: StackOptions = {},
  onProgress: (progress: StackProgress) => void = () => {},
): Promise<StackDescription> {
  const paths = stackPaths(options.home);
  try {
    return await start(paths, options, onProgress);
  } catch (error) {
    throw isDiskError(error) ? unusable(error, paths.home) : error;
  }
}

/** Of the disk that the data lie on: everything that is written at a start is written there. */
const isDiskError = (error: unknown): boolean =>
  ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO'].includes((error as NodeJS.ErrnoException).code ?? '');

async function start(
  paths: StackPaths,
  options: StackOptions,
  onProgress: (progress: StackProgress) => void,
): Promise<StackDescription> {
  insistOn(await checkHome(paths));
  await checkEdition(paths);
  await makeDataFolder(paths);
  await writeEdition(paths);
  await makeToken(paths);
  const timeoutMs = options.startTimeoutMs ?? defaultStartTimeoutMs;
  for (let attempt = 1; ; attempt += 1) {
    const generation = await withLock(paths.upLock, () => ensureSupervisor(paths, options));
    const description = await waitUntilReady(paths, { generation, onProgress, timeoutMs });
    if (description) return description;
    // It ended while we waited, or was ending when we found it.
    if (attempt === supervisorAttempts) throw await supervisorGone(paths);
  }
}

/** The install's own bearer token, made once. */
async function makeToken(paths: StackPaths): Promise<void> {
  try {
    await writeFile(paths.token, `${randomBytes(24).toString('hex')}\n`, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** @returns the generation of the settings that the supervisor is to follow */
async function ensureSupervisor(paths: StackPaths, options: StackOptions): Promise<number> {
  await waitForStopping(paths);
  const supervisor = await livingSupervisor(paths);
  const [before, current, known] = await Promise.all([
    readState(paths),
    readSettings(paths),
    knownModels(paths),
  ]);
  // A stack whose supervisor died goes on as it was asked to be; after `down` everything starts from the defaults.
  const settings = resolveSettings(options, before ? current : null, known);
  refuseUnusablePorts(settings);
  await refuseOtherPorts({ ports: askedPorts(options), workers: settings.workers }, before);
  checkRegistered(settings);
  if (supervisor && current) {
    const isWell = before?.parts.every((part) => part.problem === undefined) ?? false;
    if (isSameSettings(settings, current) && isWell) return current.generation;
    // What was failing gets new tries at once: the reason may be mended.
    await writeSettings(paths, settings);
    signal(supervisor.pid, 'SIGHUP');
    return settings.generation;
  }
  await preflight(paths, settings, before);
  await writeSettings(paths, settings);
  await spawnSupervisor(paths);
  return settings.generation;
}

/** A stack that is on its way down is given the time to get there. */
async function waitForStopping(paths: StackPaths): Promise<void> {
  for (;;) {
    const state = await readState(paths);
    if (state?.state !== 'stopping' || !(await isAlive(state.supervisor))) return;
    await sleep(pollMs);
  }
}

/** @returns null when the supervisor is gone */
async function waitUntilReady(
  paths: StackPaths,
  {
    generation,
    onProgress,
    timeoutMs,
  }: { generation: number; onProgress: (progress: StackProgress) => void; timeoutMs: number },
): Promise<StackDescription | null> {
  const told = new Map<string, PartState>();
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const state = await readState(paths);
    if (!state) throw new MurnauError('setup.part_failed', 'The stack was stopped while it was starting.');
    if (!(await isAlive(state.supervisor))) return null;
    for (const part of state.parts) {
      if (told.get(part.name) === part.state) continue;
      told.set(part.name, part.state);
      onProgress({ part: part.name, state: part.state, readyAfterMs: part.ready_after_ms });
    }
    if (state.settings_generation >= generation && state.state === 'running') {
      throwIfHopeless(state);
      const description = await describeState(paths, state);
      if (description.isReady) return description;
    }
    if (performance.now() > deadline) throw await notReady(state, timeoutMs);
    await sleep(pollMs);
  }
}

async function supervisorGone(paths: StackPaths): Promise<MurnauError> {
  const end = await endOfLog(logOf(paths, 'supervisor'));
  return new MurnauError('setup.part_failed', `The supervisor ended. ${end}`);
}

function throwIfHopeless(state: StackState): void {
  for (const { problem, failures_in_a_row: failures } of state.parts) {
    if (!problem || (problem.code === 'setup.part_failed' && failures < failuresToGiveUp)) continue;
    throw new MurnauError(isErrorCode(problem.code) ? problem.code : 'setup.part_failed', problem.message);
  }
}

/** Says of each part that it waited for in vain what its log ends with. */
async function notReady(state: StackState, timeoutMs: number): Promise<MurnauError> {
  const late = state.parts.filter((part) => part.state !== 'ready');
  const names = late.map((part) => `${part.name} (${part.state})`).join(', ');
  // What waits for another part has nothing to say.
  const begun = late.filter((part) => part.state !== 'waiting' || part.problem !== undefined);
  const ends = await Promise.all(begun.map(({ log, problem }) => problem?.message ?? endOfLog(log)));
  return new MurnauError(
    'setup.part_failed',
    [`Not ready after ${timeoutMs / 1000} s: ${names}.`, ...ends].join('\n'),
  );
}
