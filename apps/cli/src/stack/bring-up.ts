import type { StackDescription, StackOptions } from '@murnau/stack';
import type { Context } from '../core/context.js';
import { pad } from '../output/text.js';
import { Screen } from '../output/screen.js';
import { embeddedHome } from './embedded-home.js';

interface BroughtUp {
  readonly stack: StackDescription;
  readonly seconds: number;
}

interface PartLine {
  state: string;
  seconds: number | undefined;
}

/** Starts the embedded stack and shows each part as it comes. */
export async function bringUp(context: Context, options: Omit<StackOptions, 'home'>): Promise<BroughtUp> {
  const { describeStack, startStack } = await import('@murnau/stack');
  const { io, environment } = context;
  const home = embeddedHome(environment);
  const before = await describeStack({ home });
  const startedMs = Date.now();
  const parts = new Map<string, PartLine>();
  const screen = io.err.isLive && !context.isJson ? new Screen(io.err) : undefined;
  const draw = (): void => screen?.draw(partLines(parts, context));
  const timer = setInterval(draw, 200);
  try {
    const isQuiet = screen !== undefined || context.isJson || before?.isReady === true;
    let isSaid = isQuiet;
    const stack = await startStack({ ...options, home }, ({ part, state, readyAfterMs }) => {
      // Once it has been found that it can be.
      if (!isSaid) context.say(`Starting the stack in ${home}.`);
      isSaid = true;
      parts.set(part, { state, seconds: readyAfterMs === undefined ? undefined : readyAfterMs / 1000 });
      if (!isQuiet && state === 'ready') {
        context.say(
          `${part} answers${readyAfterMs === undefined ? '' : ` (${(readyAfterMs / 1000).toFixed(1)} s)`}`,
        );
      }
      draw();
    });
    return { stack, seconds: (Date.now() - startedMs) / 1000 };
  } finally {
    clearInterval(timer);
    screen?.close();
  }
}

function partLines(parts: ReadonlyMap<string, PartLine>, { io }: Context): string[] {
  const { colours } = io.err;
  const width = Math.max(0, ...[...parts.keys()].map((name) => name.length));
  return [...parts].map(([name, { state, seconds }]) => {
    const isReady = state === 'ready';
    const mark = isReady ? colours.green('✓') : state === 'failing' ? colours.red('✗') : colours.cyan('…');
    const time =
      isReady && seconds !== undefined ? colours.dim(`${seconds.toFixed(1)} s`) : colours.dim(state);
    return `${mark} ${pad(name, width)}  ${time}`;
  });
}
