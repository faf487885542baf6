/** Aborts at the first Ctrl-C (or SIGTERM); a second one ends the process at once with 130. */
export interface Interrupt {
  readonly signal: AbortSignal;
  /** Gives Ctrl-C its ordinary meaning back. */
  readonly release: () => void;
}

export function catchInterrupt(onSecond: () => void = () => {}): Interrupt {
  const controller = new AbortController();
  const handler = (): void => {
    if (controller.signal.aborted) {
      onSecond();
      process.exit(130);
    }
    controller.abort();
  };
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const name of signals) process.on(name, handler);
  return {
    signal: controller.signal,
    release: () => {
      for (const name of signals) process.off(name, handler);
    },
  };
}
