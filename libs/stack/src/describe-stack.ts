import { isAlive, type PartState, type ProcessIdentity } from '@murnau/supervisor';
import { stackPaths, type StackPaths } from './paths.js';
import { readState, type StackState } from './state.js';

interface PartDescription {
  name: string;
  state: PartState;
  isAlive: boolean;
  pid: number | undefined;
  port: number | undefined;
  log: string;
  restarts: number;
  /** How long it took to answer, from the stack's start or its last death. */
  readyAfterMs: number | undefined;
  problem: { code: string; message: string } | undefined;
}

/** An embedded stack as `stack.json` has it, checked against the processes that live. */
export interface StackDescription {
  home: string;
  apiUrl: string;
  token: string;
  temporalAddress: string;
  temporalUiUrl: string;
  namespace: string;
  databaseUrl: string;
  isSupervised: boolean;
  /** Every part answers and the supervisor lives. */
  isReady: boolean;
  parts: PartDescription[];
}

export async function describeState(paths: StackPaths, state: StackState): Promise<StackDescription> {
  const isSupervised = await isAlive(state.supervisor);
  const parts = await Promise.all(
    state.parts.map(async (part) => {
      const isPartAlive =
        part.pid !== undefined &&
        part.started !== undefined &&
        (await isAlive({ pid: part.pid, started: part.started }));
      return {
        name: part.name,
        state: isPartAlive || isSupervised ? part.state : ('stopped' as const),
        isAlive: isPartAlive,
        pid: part.pid,
        port: part.port,
        log: part.log,
        restarts: part.restarts,
        readyAfterMs: part.ready_after_ms,
        problem: part.problem,
      };
    }),
  );
  return {
    home: paths.home,
    apiUrl: state.api_url,
    token: state.token,
    temporalAddress: state.temporal_address,
    temporalUiUrl: state.temporal_ui_url,
    namespace: state.namespace,
    databaseUrl: state.database_url,
    isSupervised,
    isReady: isSupervised && parts.every((part) => part.isAlive && part.state === 'ready'),
    parts,
  };
}

/** @returns null where no stack was started in this home, or it was stopped */
export async function describeStack(
  options: { home?: string | undefined } = {},
): Promise<StackDescription | null> {
  const paths = stackPaths(options.home);
  const state = await readState(paths);
  return state && describeState(paths, state);
}

/** The supervisor of this home, if it lives and was not told to stop. */
export async function livingSupervisor(paths: StackPaths): Promise<ProcessIdentity | null> {
  const state = await readState(paths);
  if (!state || !(await isAlive(state.supervisor))) return null;
  return state.state === 'running' ? state.supervisor : null;
}
