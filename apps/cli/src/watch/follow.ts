import type { LiveMessage } from '@murnau/api-client';
import { MurnauError } from '@murnau/domain';
import type { Context } from '../core/context.js';
import { catchInterrupt } from '../core/interrupt.js';
import type { Interrupt } from '../core/interrupt.js';
import { Screen } from '../output/screen.js';
import type { ViewSize } from './sweep-view.js';
import { WatchState } from './state.js';

/** Steady enough to read, quick enough to look alive. */
const redrawMs = 200;
const plainLineMs = 3000;

export interface View {
  readonly lines: (state: WatchState, size: ViewSize) => string[];
  readonly line: (state: WatchState) => string;
}

interface WatchOptions {
  readonly of: 'runs' | 'sweeps';
  readonly id: string;
  readonly view: View;
  /** Of the command that has started it. */
  readonly interrupt?: Interrupt | undefined;
  /** Called on each message, after the state has it. */
  readonly onMessage?: (message: LiveMessage, state: WatchState) => void;
}

interface Watched {
  readonly state: WatchState;
  readonly isDetached: boolean;
}

/**
 * Follows a run or a sweep to its end and shows it: redrawn in place on a terminal, a line each few seconds elsewhere,
 * one JSON document per message with `--json`. Ctrl-C detaches.
 */
export async function watch(context: Context, options: WatchOptions): Promise<Watched> {
  const { io, isJson } = context;
  const state = new WatchState();
  const show = isJson ? jsonDisplay : io.err.isLive ? liveDisplay : plainDisplay;
  const display = show(context, options.view, state);
  const interrupt = options.interrupt ?? catchInterrupt();
  interrupt.atSecond(() => display.close());
  try {
    const messages = context.client().follow(options.of, options.id, {
      signal: interrupt.signal,
      // What has happened before is of use to who reads every message only.
      fromNow: !isJson && options.onMessage === undefined,
    });
    for await (const message of messages) {
      state.apply(message, Date.now());
      display.message(message);
      options.onMessage?.(message, state);
    }
  } catch (error) {
    throw withWhatGoesOn(error, context, options);
  } finally {
    display.close();
    interrupt.release();
  }
  return { state, isDetached: state.ended === undefined };
}

const nouns = {
  runs: { noun: 'run', command: 'runs' },
  sweeps: { noun: 'sweep', command: 'sweep' },
} as const;

/** A server that went away, as at `murnau down`, ends the watching only. */
function withWhatGoesOn(error: unknown, context: Context, { of, id }: WatchOptions): unknown {
  if (!(error instanceof MurnauError) || error.code !== 'server.unreachable') return error;
  const { noun, command } = nouns[of];
  const goesOn =
    context.connection().source === 'embedded' ? `goes on at the next murnau up` : 'goes on with the server';
  const { field, given, allowed } = error;
  return new MurnauError(
    error.code,
    `${error.message.replace(/[.\s]+$/, '')}. The ${noun} ${id} ${goesOn}; watch it again: murnau ${command} watch ${id}`,
    { field, given, allowed, cause: error },
  );
}

interface Display {
  readonly message: (message: LiveMessage) => void;
  readonly close: () => void;
}

function jsonDisplay({ io }: Context): Display {
  return { message: (message) => io.out.line(JSON.stringify(message)), close: () => {} };
}

function liveDisplay({ io }: Context, view: View, state: WatchState): Display {
  const screen = new Screen(io.err);
  const draw = (): void => screen.draw(view.lines(state, { columns: io.err.columns(), rows: screen.height }));
  draw();
  const timer = setInterval(draw, redrawMs);
  return {
    message: () => {},
    close: () => {
      clearInterval(timer);
      draw();
      screen.close();
    },
  };
}

/** A line when something began or ended, else at most one each few seconds and only if it says something new. */
function plainDisplay({ io }: Context, view: View, state: WatchState): Display {
  let last = '';
  let lastMs = 0;
  const write = (): void => {
    const line = view.line(state);
    if (line === last) return;
    last = line;
    lastMs = Date.now();
    io.err.line(line);
  };
  return {
    message: (message) => {
      if (message.kind === 'end' || Date.now() - lastMs >= plainLineMs) write();
    },
    close: () => {},
  };
}
