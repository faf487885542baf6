/** npm forwards a signal that the terminal has sent to the whole group: one Ctrl-C arrives twice. */
const sameSignalMs = 500;

/** Aborts at the first Ctrl-C (or SIGTERM); a second one ends the process at once with 130. */
export interface Interrupt {
  readonly signal: AbortSignal;
  /** Gives Ctrl-C its ordinary meaning back, unless there was one: the command is ending then. */
  readonly release: () => void;
}

export function catchInterrupt(onSecond: () => void = () => {}): Interrupt {
  const controller = new AbortController();
  let firstMs = 0;
  const handler = (): void => {
    if (!controller.signal.aborted) {
      firstMs = performance.now();
      return controller.abort();
    }
    if (performance.now() - firstMs < sameSignalMs) return;
    onSecond();
    process.exit(130);
  };
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const name of signals) process.on(name, handler);
  return {
    signal: controller.signal,
    release: () => {
      if (controller.signal.aborted) return;
      for (const name of signals) process.off(name, handler);
    },
  };
}
