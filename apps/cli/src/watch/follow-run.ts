import type { Context } from '../core/context.js';
import { exitCodes, runExitCode } from '../core/exit-codes.js';
import type { Interrupt } from '../core/interrupt.js';
import { describeRun } from '../output/describe-run.js';
import { watch } from './follow.js';
import { runLine, runLines } from './run-view.js';

/**
 * Watches a run to its end, prints how it ended and gives the exit code.
 * @param interrupt of the command that has started it
 */
export async function followRun(context: Context, id: string, interrupt?: Interrupt): Promise<number> {
  const { io } = context;
  const { isDetached } = await watch(context, {
    of: 'runs',
    id,
    interrupt,
    view: {
      lines: (current, size) => runLines(current, id, size, io.err.colours),
      line: (current) => runLine(current, id, io.err.colours),
    },
  });
  if (isDetached) {
    context.say(
      `Detached: the run goes on. Watch it again: murnau runs watch ${id}. Stop it: murnau runs cancel ${id}.`,
    );
    return exitCodes.detached;
  }
  const run = await context.client().run(id);
  context.result({ kind: 'result', run }, () => describeRun(context, run));
  return runExitCode(run.phase);
}
