import type { ArchiveOptions } from '@murnau/stack';
import type { Context } from '../../core/context.js';
import { exitCodes } from '../../core/exit-codes.js';
import { catchInterrupt } from '../../core/interrupt.js';
import { Screen } from '../../output/screen.js';

type Options = Pick<ArchiveOptions, 'onProgress' | 'signal'>;
type Progress = Parameters<ArchiveOptions['onProgress']>[0];

/** Where progress is not redrawn, a line each so often. */
const lineEveryMs = 5_000;

const doing = {
  checking: 'Checking the backup',
  tables: 'Tables',
  files: 'Files',
} as const satisfies Record<Progress['doing'], string>;

/** Runs a backup or a restore: says how far it is, and takes back what was done at Ctrl-C. */
export async function archiving(
  context: Context,
  ifInterrupted: string,
  run: (options: Options) => Promise<void>,
): Promise<number> {
  const { err } = context.io;
  const interrupt = catchInterrupt();
  const screen = err.isLive && !context.isJson ? new Screen(err) : undefined;
  let saidMs = performance.now();
  const onProgress = (progress: Progress): void => {
    const line = lineOf(progress);
    if (screen !== undefined) screen.draw([line]);
    else if (performance.now() - saidMs >= lineEveryMs && !context.isJson) {
      saidMs = performance.now();
      context.say(line);
    }
  };
  try {
    await run({ onProgress, signal: interrupt.signal });
    return exitCodes.done;
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    screen?.close({ clear: true });
    context.say(ifInterrupted);
    return exitCodes.interrupted;
  } finally {
    screen?.close({ clear: true });
    interrupt.release();
  }
}

function lineOf({ doing: what, done, total }: Progress): string {
  if (what !== 'checking') return `${doing[what]}: ${done} of ${total}`;
  return `${doing[what]}: ${Math.floor((100 * done) / Math.max(1, total))} %`;
}
