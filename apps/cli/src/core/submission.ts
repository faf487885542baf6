import type { Context } from './context.js';
import { exitCodes } from './exit-codes.js';
import { catchInterrupt } from './interrupt.js';
import type { Interrupt, InterruptSignal } from './interrupt.js';

/** The request that starts the work of a command. */
export interface Submission {
  /** Of what has been sent: whoever follows the work takes it over. */
  readonly interrupt: Interrupt;
  /** Sends it. The answer is waited for even after a Ctrl-C, as it names what goes on. */
  readonly send: <Answer>(request: () => Promise<Answer>) => Promise<Answer>;
}

/** As without a handler. */
const exitCodeOf = (name: InterruptSignal): number => (name === 'SIGINT' ? exitCodes.interrupted : 143);

/**
 * Runs a command that starts something which goes on without it. Ctrl-C before the request is sent ends the command and
 * says so; from then on it only aborts `interrupt`.
 * @param untilSent what a Ctrl-C before the request says
 */
export async function submitting<Result>(
  context: Context,
  run: (submission: Submission) => Promise<Result>,
  untilSent = 'Interrupted: nothing was started.',
): Promise<Result> {
  let isSent = false;
  const interrupt = catchInterrupt((name) => {
    if (isSent) return;
    context.say(untilSent);
    process.exit(exitCodeOf(name));
  });
  const send = <Answer>(request: () => Promise<Answer>): Promise<Answer> => {
    isSent = true;
    return request();
  };
  try {
    return await run({ interrupt, send });
  } finally {
    interrupt.release();
  }
}
