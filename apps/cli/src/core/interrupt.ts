import { exitCodes } from './exit-codes.js';

/** npm forwards a signal that the terminal has sent to the whole group: one Ctrl-C arrives twice. */
const sameSignalMs = 500;

const signals = ['SIGINT', 'SIGTERM'] as const;
export type InterruptSignal = (typeof signals)[number];

/** Aborts at the first Ctrl-C (or SIGTERM); a second one ends the process at once with 130. */
export interface Interrupt {
  readonly signal: AbortSignal;
  /** What is to be done before the second one ends the process. */
  readonly atSecond: (listener: () => void) => void;
  /** Gives Ctrl-C its ordinary meaning back, unless there was one: the command is ending then. */
  readonly release: () => void;
}

export function catchInterrupt(atFirst: (name: InterruptSignal) => void = () => {}): Interrupt {
  const controller = new AbortController();
  const listeners: (() => void)[] = [];
  let firstMs = 0;
  const handler = (name: InterruptSignal): void => {
    if (!controller.signal.aborted) {
      firstMs = performance.now();
      atFirst(name);
      return controller.abort();
    }
    if (performance.now() - firstMs < sameSignalMs) return;
    for (const listener of listeners) listener();
    process.exit(exitCodes.interrupted);
  };
  for (const name of signals) process.on(name, handler);
  return {
    signal: controller.signal,
    atSecond: (listener) => void listeners.push(listener),
    release: () => {
      if (controller.signal.aborted) return;
      for (const name of signals) process.off(name, handler);
    },
  };
}
