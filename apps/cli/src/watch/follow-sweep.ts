import type { LiveMessage } from '@murnau/api-client';
import type { Leaderboard, Sweep } from '@murnau/domain';
import type { Context } from '../core/context.js';
import { exitCodes, sweepExitCode } from '../core/exit-codes.js';
import type { FailOn } from '../core/exit-codes.js';
import type { Interrupt } from '../core/interrupt.js';
import { watch } from './follow.js';
import type { WatchState } from './state.js';
import { sweepLine, sweepLines } from './sweep-view.js';

/** Of the leaderboard at the end. */
const trialsAtEnd = 50;

interface SweepWatched {
  /** Undefined: detached. */
  readonly end: { readonly sweep: Sweep; readonly board: Leaderboard } | undefined;
}

interface SweepWatch {
  readonly onMessage?: (message: LiveMessage, state: WatchState) => void;
  /** Of the command that has started it. */
  readonly interrupt?: Interrupt | undefined;
}

/** Watches a sweep to its end, or until Ctrl-C. */
export async function watchSweep(
  context: Context,
  id: string,
  options: SweepWatch = {},
): Promise<SweepWatched> {
  const { io } = context;
  const { isDetached } = await watch(context, {
    of: 'sweeps',
    id,
    view: { lines: (state, size) => sweepLines(state, size, io.err.colours), line: sweepLine },
    ...options,
  });
  if (isDetached) return { end: undefined };
  const client = context.client();
  const [sweep, board] = await Promise.all([
    client.sweep(id),
    client.leaderboard(id, { limit: trialsAtEnd }),
  ]);
  return { end: { sweep, board } };
}

export function sayDetached(context: Context, id: string): void {
  context.say(
    `Detached: the sweep goes on. Watch it again: murnau sweep watch ${id}. Stop it: murnau sweep cancel ${id}.`,
  );
}

/** The same for a command: prints the leaderboard and gives the exit code. */
export async function followSweep(
  context: Context,
  id: string,
  rule: FailOn,
  interrupt?: Interrupt,
): Promise<number> {
  const { end } = await watchSweep(context, id, { interrupt });
  if (end === undefined) {
    sayDetached(context, id);
    return exitCodes.detached;
  }
  const { sweep, board } = end;
  const { describeSweep } = await import('../output/describe-sweep.js');
  context.result({ kind: 'result', sweep, ...board }, () => describeSweep(context, sweep, board));
  const others = sweep.trials - board.runs.length;
  if (others > 0)
    context.say(`The best ${board.runs.length}; ${others} more: murnau sweep describe ${id} --all.`);
  return sweepExitCode(sweep.phase, sweep.counts, rule);
}
